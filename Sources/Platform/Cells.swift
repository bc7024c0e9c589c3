/// A fixed number of values that several owners read and replace, each as a whole.
///
/// What an array in a class cannot be in a hot loop: there every access asks the runtime whether
/// another is under way, and every change whether the array is shared, which was a third of the
/// time of `parse | stats`. Here a value is only ever copied out or replaced, never changed in
/// place, so that no two accesses can overlap. One thread at a time.
///
/// Without `@usableFromInline` on the type its members would not be inlined across modules, however
/// they are marked.
@safe
@usableFromInline package final class Cells<Element> {
  @usableFromInline let base: UnsafeMutablePointer<Element>
  /// How many there are, for ever.
  @usableFromInline package let count: Int

  /// As many copies of one value.
  @inlinable
  package init(repeating value: Element, count: Int) {
    precondition(count >= 0)
    self.count = count
    // Safety: `count` places are allocated and filled here; deinit empties and frees them, once.
    unsafe base = .allocate(capacity: count)
    unsafe base.initialize(repeating: value, count: count)
  }

  deinit {
    unsafe base.deinitialize(count: count)
    unsafe base.deallocate()
  }

  /// A copy of one value, or another one in its place; traps outside of `count`.
  @inlinable
  package subscript(_ index: Int) -> Element {
    @inline(__always)
    get {
      precondition(index >= 0 && index < count)
      // Safety: the index was checked, and the place is filled from init to deinit.
      return unsafe base[index]
    }
    @inline(__always)
    set {
      precondition(index >= 0 && index < count)
      // Safety: as above; the old value is let go after the new one stands in its place.
      unsafe base[index] = newValue
    }
  }
}
