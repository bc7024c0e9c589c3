import LogModel
import Testing

@testable import Query

/// What people ask: forty kinds of queries, from newest events to exfiltration.
@Suite("Insights samples")
struct InsightsSampleTests {
  static let queries = #"""
    fields @timestamp, @message | sort @timestamp desc | limit 25
    filter @message like /Exception/ | stats count(*) as exceptionCount by bin(1h) | sort \#
    exceptionCount desc
    fields @message | filter @message not like /Exception/
    fields @timestamp, server, severity, message | sort @timestamp asc | dedup server
    filter @type = "REPORT" | stats max(@memorySize / 1000 / 1000) as provisionedMB, \#
    avg(@maxMemoryUsed / 1000 / 1000) as avgUsedMB, max(@maxMemoryUsed / 1000 / 1000) as \#
    maxUsedMB, provisionedMB - maxUsedMB as overProvisionedMB
    filter @type = "REPORT" | stats avg(@duration), max(@duration), min(@duration) by \#
    bin(5m)
    filter @type = "REPORT" and @duration > 100 | fields @timestamp, @requestId, @duration | \#
    sort @timestamp desc | dedup @requestId | limit 20
    stats sum(packets) as packetsTransferred by srcAddr, dstAddr | sort packetsTransferred \#
    desc | limit 15
    filter isIpv4InSubnet(srcAddr, "192.0.2.0/24") | stats sum(bytes) as transferred by \#
    dstAddr
    filter protocol = 17 | stats count(*) by srcAddr
    filter logStatus = "SKIPDATA" | stats count(*) by bin(1h) as t | sort t
    stats count(*) by queryType, bin(1h)
    stats count(*) by eventSource, eventName, awsRegion
    filter (eventName = "StartInstances" or eventName = "StopInstances") and awsRegion = \#
    "us-east-2"
    filter eventName = "CreateUser" | fields awsRegion, requestParameters.userName, \#
    responseElements.user.arn
    filter eventName = "UpdateTrail" and ispresent(errorCode) | stats count(*) by errorCode, \#
    errorMessage
    filter tlsDetails.tlsVersion in ["TLSv1", "TLSv1.1"] | stats count(*) as numCalls by \#
    userIdentity.accountId, recipientAccountId, eventSource, tlsDetails.tlsVersion | sort \#
    eventSource asc, tlsDetails.tlsVersion asc, numCalls desc
    fields p | filter status >= 400 and status <= 499 | sort @timestamp desc | limit 10
    stats count(*) as requestCount by path | sort requestCount desc | limit 10
    filter (dstAddr like "10.0." and srcAddr not like "10.0.") | stats sum(bytes) as \#
    bytesTransferred by srcAddr | sort bytesTransferred desc
    filter status = "200" | stats count_distinct(remoteIP) as UniqueVisits by bin(1h)
    fields detail.eventName | stats count(*) by `detail-type`
    parse @message "user=*, method:*, latency := *" as @user, @method, @latency | stats \#
    avg(@latency) by @method, @user
    parse @message "* [*] *" as loggingTime, loggingType, loggingMessage | filter \#
    loggingType in ["ERROR", "INFO"] | display loggingMessage, loggingType = "ERROR" as \#
    isError
    filter @type = "REPORT" | stats sum(strcontains(@message, "Init Duration")) / count(*) * \#
    100 as coldStartPct, avg(@duration) by bin(5m)
    filter @type = "REPORT" | fields greatest(@initDuration, 0) + @duration as duration, \#
    ispresent(@initDuration) as coldStart | stats count(*) as count, pct(duration, 50) as \#
    p50, pct(duration, 99) as p99 by coldStart
    filter @type = "REPORT" and @maxMemoryUsed > (@memorySize * 0.75) | stats \#
    count_distinct(@requestId) by bin(30m)
    filter @type = "REPORT" | stats sum(@billedDuration) / 1000 * max(@memorySize) / \#
    1000000000 as billedGBSeconds
    parse @message /(?i)Init Duration: (?<init>\d+\.\d+) ms/ | parse @log /(?<fn>[^:]+)$/ | \#
    stats median(init) as m, count(*) by fn
    fields @message | filter @message like /(?i)error/ and @message not like "a1" and \#
    @message not like "a2" and @message not like "a3" and @message not like "a4" and \#
    @message not like "a5" and @message not like "a6"
    filter status >= 500 | stats count(*) as n, pct(latency, 50) as p50, pct(latency, 90) as \#
    p90, pct(latency, 99) as p99 by path | sort n desc
    stats sum(action = "ALLOW") as allowed, sum(action = "BLOCK") as blocked by \#
    httpRequest.clientIp, bin(1m) as minute
    stats count_distinct(rule) as rules, count(*) as hits by clientIp | filter rules > 1 | \#
    sort rules desc, hits desc
    stats earliest(@timestamp) as first, latest(@timestamp) as last by clientIp
    stats sum(usage.tokens.0.count) as tokens by coalesce(model.id, modelId) as model, \#
    bin(@timestamp, 1h) as hour
    stats sum(status.code = "ERROR") as errors, count_distinct(traceId) as traces by bin(1h)
    filter level = "error" | pattern @message | sort @sampleCount desc | limit 5
    fields @timestamp, @message | filter @message like "r-1" | sort @timestamp asc
    fields strlen(@message) as length | stats sum(length) as volume by bin(5m) as @t | stats \#
    max(volume) as peak, avg(volume) as mean by dateceil(@t, 1h)
    filter srcAddr in ["203.0.113.7", "203.0.113.8"] and dstAddr not like \#
    /^(10\.|192\.168\.)/ | stats sum(bytes) as bytes by dstAddr | sort bytes desc
    """#.split(separator: "\n").map(String.init)

  private static let messages = [
    #"{"server":"a","status":"200","path":"/x","latency":12,"remoteIP":"203.0.113.7"}"#,
    #"{"server":"b","status":503,"path":"/y","latency":250.5,"level":"error","action":"BLOCK"}"#,
    #"{"srcAddr":"203.0.113.7","dstAddr":"198.51.100.1","protocol":17,"packets":3,"bytes":900}"#,
    #"{"eventName":"CreateUser","eventSource":"iam","awsRegion":"us-east-2","clientIp":"::1"}"#,
    "2027-01-15 [ERROR] An Exception was thrown by r-1",
    "user=bob, method:get, latency := 20",
    "REPORT RequestId: r-1\tDuration: 100.5 ms\tBilled Duration: 101 ms\tMemory Size: 128 MB\t"
      + "Max Memory Used: 120 MB\tInit Duration: 200.25 ms\t",
  ]

  @Test("each of them is understood and answered", arguments: queries)
  func query(_ text: String) throws {
    let events = Self.messages.map { InsightsAnswerTests.Event(message: $0) }
    let rows = try InsightsAnswerTests.rows(text, events)
    #expect(rows.count <= events.count)
  }

  @Test("all but a few give rows")
  func answers() throws {
    #expect(Self.queries.count == 40)
    let events = Self.messages.map { InsightsAnswerTests.Event(message: $0) }
    let empty = try Self.queries.filter { try InsightsAnswerTests.rows($0, events).isEmpty }
    #expect(empty.count <= 8, "\(empty)")
  }
}
