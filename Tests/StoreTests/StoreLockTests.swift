import Foundation
import Platform
import TestSupport
import Testing

@testable import Store

@Suite("The lock of a data directory") struct StoreLockTests {
  let directory = TemporaryDirectory("lock")
  var layout: Layout { Layout(root: directory.path) }

  @Test func `who only asks for the holder stops nobody`() throws {
    // As `holder` takes it for an instant.
    let asking = open(layout.lock, O_RDWR | O_CREAT, 0o640)
    #expect(flock(asking, LOCK_EX | LOCK_NB) == 0)
    var pauses = 0
    let lock = try StoreLock(layout: layout) {
      pauses += 1
      close(asking)
    }
    #expect(pauses == 1)
    #expect(StoreLock.holder(layout: layout) == "pid \(getpid())")
    withExtendedLifetime(lock) {}
  }
}
