internal import LogModel
internal import Platform

/// An IP address; version 4 in the low 32 bits.
struct IPAddress: Equatable {
  let high: UInt64
  let low: UInt64
  let isVersion4: Bool

  init?(_ text: Span<UInt8>) {
    if Bytes.firstIndex(of: 0x3A, in: text) == nil {
      guard let value = Self.version4(text, 0) else { return nil }
      (high, low, isVersion4) = (0, UInt64(value), true)
    } else {
      guard let (high, low) = Self.version6(text) else { return nil }
      (self.high, self.low, isVersion4) = (high, low, false)
    }
  }

  /// Four decimal numbers from `start` to the end; leading zeros are ambiguous and refused.
  private static func version4(_ text: Span<UInt8>, _ start: Int) -> UInt32? {
    var value: UInt32 = 0
    var part: UInt32 = 0
    var digits = 0
    var parts = 0
    for index in start..<text.count {
      let byte = text[index]
      if byte == 0x2E {
        guard digits > 0, parts < 3 else { return nil }
        value = value << 8 | part
        (part, digits, parts) = (0, 0, parts + 1)
        continue
      }
      let digit = byte &- 0x30
      guard digit < 10, digits < 3, digits == 0 || part > 0 else { return nil }
      part = part * 10 + UInt32(digit)
      digits += 1
      guard part < 256 else { return nil }
    }
    return digits > 0 && parts == 3 ? value << 8 | part : nil
  }

  /// Eight groups of hexadecimal digits, of which one run may be `::`, the last two perhaps as
  /// version 4.
  private static func version6(_ text: Span<UInt8>) -> (UInt64, UInt64)? {
    var groups: [UInt16] = []
    var gap: Int?
    var at = 0
    if text.count >= 2, text[0] == 0x3A {
      guard text[1] == 0x3A else { return nil }
      gap = 0
      at = 2
    }
    while at < text.count {
      let start = at
      var group: UInt32 = 0
      while at < text.count, at - start < 4, let digit = hexDigit(text[at]) {
        group = group << 4 | digit
        at += 1
      }
      if at < text.count, text[at] == 0x2E {
        guard let value = version4(text, start) else { return nil }
        groups += [UInt16(value >> 16), UInt16(value & 0xFFFF)]
        at = text.count
        break
      }
      guard at > start else { return nil }
      groups.append(UInt16(group))
      guard groups.count <= 8 else { return nil }
      if at == text.count { break }
      guard text[at] == 0x3A else { return nil }
      at += 1
      if at < text.count, text[at] == 0x3A {
        guard gap == nil else { return nil }
        gap = groups.count
        at += 1
      } else if at == text.count {
        return nil
      }
    }
    if let gap {
      guard groups.count < 8 else { return nil }
      groups.insert(contentsOf: [UInt16](repeating: 0, count: 8 - groups.count), at: gap)
    }
    guard groups.count == 8 else { return nil }
    let halves = (
      groups[..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) },
      groups[4...].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
    )
    return halves
  }

  private static func hexDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case 0x30...0x39: UInt32(byte - 0x30)
    case 0x41...0x46: UInt32(byte - 0x37)
    case 0x61...0x66: UInt32(byte - 0x57)
    default: nil
    }
  }

  func isInside(_ network: IPNetwork) -> Bool {
    guard isVersion4 == network.address.isVersion4 else { return false }
    if isVersion4 {
      return Self.masked(low, 32 + network.bits)
        == Self.masked(network.address.low, 32 + network.bits)
    }
    let highBits = min(64, network.bits)
    let lowBits = max(0, network.bits - 64)
    return Self.masked(high, highBits) == Self.masked(network.address.high, highBits)
      && Self.masked(low, lowBits) == Self.masked(network.address.low, lowBits)
  }

  private static func masked(_ word: UInt64, _ bits: Int) -> UInt64 {
    bits == 0 ? 0 : word & (~0 << UInt64(64 - bits))
  }
}

/// An address and how many of its bits name a network.
struct IPNetwork {
  let address: IPAddress
  let bits: Int

  init?(_ text: Span<UInt8>) {
    guard let slash = Bytes.firstIndex(of: 0x2F, in: text),
      let address = IPAddress(text.extracting(0..<slash)),
      case .integer(let bits)? = DecimalNumber.parse(text.extracting((slash + 1)..<text.count)),
      bits >= 0, bits <= (address.isVersion4 ? 32 : 128)
    else { return nil }
    self.address = address
    self.bits = Int(bits)
  }

  init?(_ text: String) {
    let bytes = Array(text.utf8)
    self.init(bytes.span)
  }
}

/// Functions of IP addresses; a text that is none is false, and null where a number is asked for.
enum AddressFunctions {
  private static func networks(_ texts: [String]) -> [IPNetwork] {
    texts.compactMap { IPNetwork($0) }
  }

  /// RFC 1918 and RFC 4193.
  private static let privateNetworks = networks([
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7",
  ])

  /// What IANA's registries of special addresses keep, besides the private ones.
  private static let reservedNetworks = networks([
    "0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24",
    "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
    "240.0.0.0/4", "::/128", "::1/128", "64:ff9b:1::/48", "100::/64", "2001::/23",
    "2001:db8::/32", "2002::/16", "fe80::/10", "ff00::/8",
  ])

  static func call(
    _ function: InsightsFunction,
    _ values: [InsightsValue],
    _ message: Span<UInt8>
  ) -> InsightsValue {
    if values[0].isNull { return .null }
    let address = values[0].withText(message) { IPAddress($0) } ?? nil
    switch function {
    case .ipv4ToNumber:
      guard let address, address.isVersion4 else { return .null }
      return .integer(Int64(address.low))
    case .isValidIp: return .boolean(address != nil)
    case .isValidIpV4: return .boolean(address?.isVersion4 == true)
    case .isValidIpV6: return .boolean(address?.isVersion4 == false)
    default: break
    }
    guard let address else { return .boolean(false) }
    switch function {
    case .isPrivateIP: return .boolean(privateNetworks.contains { address.isInside($0) })
    case .isReservedIP: return .boolean(reservedNetworks.contains { address.isInside($0) })
    case .isPublicIP:
      let isSpecial = (privateNetworks + reservedNetworks).contains { address.isInside($0) }
      return .boolean(!isSpecial)
    default:
      guard let network = values[1].withText(message, { IPNetwork($0) }) ?? nil else {
        return values[1].isNull ? .null : .boolean(false)
      }
      let isRightKind =
        function == .isIpInSubnet || address.isVersion4 == (function == .isIpv4InSubnet)
      return .boolean(isRightKind && address.isInside(network))
    }
  }
}
