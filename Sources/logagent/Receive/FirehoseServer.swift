internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// A small HTTP server: whole requests in, whole answers out, one event loop.
final class FirehoseServer {
  struct Request {
    var method: String
    var headers: [(name: String, value: String)]
    var body: [UInt8]
    /// The body was longer than is accepted; what is there is not all.
    var isTooLarge: Bool
  }

  struct Answer {
    var status: Int
    var body: String
  }

  private let loops: MultiThreadedEventLoopGroup
  private let channel: any Channel
  let port: Int

  /// Listens; `answer` is called on the server's thread, one request at a time.
  init(
    host: String,
    port: Int,
    bodyBytesMax: Int,
    answer: @escaping @Sendable (Request) -> Answer
  ) throws {
    loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    channel = try ServerBootstrap(group: loops)
      .serverChannelOption(ChannelOptions.backlog, value: 64)
      .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withErrorHandling: true
          )
          try channel.pipeline.syncOperations.addHandler(
            RequestHandler(bodyBytesMax: bodyBytesMax, answer: answer)
          )
        }
      }
      .bind(host: host, port: port).wait()
    self.port = channel.localAddress?.port ?? port
  }

  func wait() throws { try channel.closeFuture.wait() }

  func close() {
    // Silence is right: the process ends, and its sockets with it.
    try? channel.close().wait()
    try? loops.syncShutdownGracefully()
  }
}

/// Gathers one request and answers it.
///
/// On the channel's event loop.
private final class RequestHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let bodyBytesMax: Int
  private let answer: @Sendable (FirehoseServer.Request) -> FirehoseServer.Answer
  private var head: HTTPRequestHead?
  private var body: [UInt8] = []
  private var isTooLarge = false

  init(
    bodyBytesMax: Int,
    answer: @escaping @Sendable (FirehoseServer.Request) -> FirehoseServer.Answer
  ) {
    self.bodyBytesMax = bodyBytesMax
    self.answer = answer
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      body.removeAll(keepingCapacity: true)
      isTooLarge = false
    case .body(let part):
      guard body.count + part.readableBytes <= bodyBytesMax else {
        isTooLarge = true
        return
      }
      body.append(contentsOf: part.readableBytesView)
    case .end:
      guard let head else { return }
      self.head = nil
      let request = FirehoseServer.Request(
        method: head.method.rawValue,
        headers: head.headers.map { ($0.name, $0.value) },
        body: body,
        isTooLarge: isTooLarge
      )
      reply(context, answer(request), isKeptAlive: head.isKeepAlive)
    }
  }

  private func reply(
    _ context: ChannelHandlerContext,
    _ answer: FirehoseServer.Answer,
    isKeptAlive: Bool
  ) {
    var headers = HTTPHeaders()
    headers.add(name: "Content-Type", value: "application/json")
    headers.add(name: "Content-Length", value: String(answer.body.utf8.count))
    if !isKeptAlive { headers.add(name: "Connection", value: "close") }
    let head = HTTPResponseHead(
      version: .http1_1,
      status: HTTPResponseStatus(statusCode: answer.status),
      headers: headers
    )
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    let bytes = context.channel.allocator.buffer(string: answer.body)
    context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
    let done = context.eventLoop.makePromise(of: Void.self)
    let channel = context.channel
    if !isKeptAlive { done.futureResult.whenComplete { _ in channel.close(promise: nil) } }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: done)
  }
}
