import PEFTTensor
import PEFTTransformer

/// The parameters and modules that a module below `root` stores and its members leave out, as `Type.property at path`.
///
/// Stored properties are found by reflection, also inside optionals, arrays, tuples and enumerations, and compared by
/// identity.
func unlistedMembers(of root: some Module) -> [String] {
  root.walk.modules.flatMap { path, module in
    let walk = module.walk
    var listed = Set(walk.modules.map { ObjectIdentifier($0.module) })
    listed.formUnion(walk.parameters.map { ObjectIdentifier($0.parameter) })
    return Mirror(reflecting: module).children.flatMap { child in
      storedObjects(child.value).filter { stored in
        (stored as? Parameter)?.isTied != true && !listed.contains(ObjectIdentifier(stored))
      }.map { _ in "\(type(of: module)).\(child.label ?? "?") at \"\(path)\"" }
    }
  }
}

/// The parameters and modules in a value, without what these store themselves.
private func storedObjects(_ value: Any) -> [AnyObject] {
  if let parameter = value as? Parameter { return [parameter] }
  if let module = value as? any Module { return [module] }
  let mirror = Mirror(reflecting: value)
  if mirror.displayStyle == .class { return [] }
  return mirror.children.flatMap { storedObjects($0.value) }
}
