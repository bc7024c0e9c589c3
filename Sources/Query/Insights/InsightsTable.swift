/// What a query answered.
package struct InsightsTable: Sendable {
  package var columns: [String]
  /// Values by column; `resultText` is what is shown.
  package var rows: [[InsightsValue]]
  package var statistics = QueryStatistics()
  /// What the reader should know about the answer.
  package var warnings: [String] = []

  package init(columns: [String], rows: [[InsightsValue]]) {
    self.columns = columns
    self.rows = rows
  }
}
