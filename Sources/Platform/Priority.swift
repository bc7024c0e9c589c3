internal import Glibc

/// How much of a busy processor this process gets.
package enum Priority {
  /// Gives way to others: from now on this process takes what they leave, nine tenths at most of
  /// its share going to them.
  ///
  /// For commands that read: a scan on all cores must not slow down what writes the logs, nor what
  /// stores them. On an idle machine it costs nothing.
  package static func giveWay() { _ = nice(10) }
}
