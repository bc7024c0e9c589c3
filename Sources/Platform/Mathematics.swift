internal import Glibc

/// The functions of the mathematical library that queries offer.
package enum Mathematics {
  package static func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

  /// The natural logarithm.
  package static func logarithm(_ value: Double) -> Double { log(value) }

  /// Great-circle distance of two places in degrees, on a sphere of the Earth's mean radius.
  package static func haversineKilometres(
    _ latitude1: Double,
    _ longitude1: Double,
    _ latitude2: Double,
    _ longitude2: Double
  ) -> Double {
    let radians = Double.pi / 180
    let sinLatitude = sin((latitude2 - latitude1) * radians / 2)
    let sinLongitude = sin((longitude2 - longitude1) * radians / 2)
    let chord =
      sinLatitude * sinLatitude
      + cos(latitude1 * radians) * cos(latitude2 * radians) * sinLongitude * sinLongitude
    return 2 * 6_371.0088 * asin(min(1, chord.squareRoot()))
  }
}
