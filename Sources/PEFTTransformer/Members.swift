public import PEFTTensor

/// Something a module keeps: a parameter, another module, or an array or an optional of them.
public protocol Member {
  /// Adds what stands at and below this member to a walk.
  func collect(at path: String, into walk: inout Walk)
}

/// What a module keeps, by name and in order.
///
/// A name may hold dots; an empty name puts a member at the path of the module itself.
public struct Members: ExpressibleByDictionaryLiteral {
  var entries: [(name: String, member: any Member)]

  /// Pairs of a name and a member.
  public init(dictionaryLiteral elements: (String, any Member)...) {
    entries = elements.map { (name: $0.0, member: $0.1) }
  }

  /// Pairs of a name and a member, in order.
  public init(_ elements: [(String, any Member)]) {
    entries = elements.map { (name: $0.0, member: $0.1) }
  }

  /// These members, followed by others.
  public func joined(with other: Members) -> Members {
    var result = self
    result.entries += other.entries
    return result
  }
}

/// The modules and parameters below a module, in order, each with its path.
public struct Walk {
  /// A module and where it stands.
  public typealias NamedModule = (path: String, module: any Module)

  /// The modules, the outermost first.
  public internal(set) var modules: [NamedModule] = []
  /// The parameters; one that several modules share stands at its first place.
  public internal(set) var parameters: [NamedParameter] = []
  var seen: Set<ObjectIdentifier> = []
  let includesAdapters: Bool
}

/// A parameter and where it stands in the model.
public struct NamedParameter {
  /// The names from the model to the parameter, joined by dots, as in a Hugging Face checkpoint.
  public let path: String
  /// The parameter.
  public let parameter: Parameter
}

/// A part of a model that lists what it keeps.
public protocol Module: AnyObject, Member {
  /// Everything this module keeps; nothing that is missing here is trained, counted or saved.
  var members: Members { get }
}

extension Module {
  /// Adds this module and what it keeps to a walk.
  public func collect(at path: String, into walk: inout Walk) {
    walk.modules.append((path, self))
    for (name, member) in members.entries {
      member.collect(at: Walk.join(path, name), into: &walk)
    }
  }
}

extension Walk {
  static func join(_ path: String, _ name: String) -> String {
    path.isEmpty || name.isEmpty ? path + name : path + "." + name
  }
}

extension Parameter: Member {
  /// Adds this parameter, and what stands in for it, to a walk.
  public func collect(at path: String, into walk: inout Walk) {
    if !isTied, walk.seen.insert(ObjectIdentifier(self)).inserted {
      walk.parameters.append(NamedParameter(path: path, parameter: self))
    }
    guard walk.includesAdapters, let substitute,
      walk.seen.insert(ObjectIdentifier(substitute)).inserted
    else { return }
    let names = path.split(separator: ".")
    let inserted = names.dropLast() + ["modules_to_save"] + names.suffix(1)
    walk.parameters.append(
      NamedParameter(path: inserted.joined(separator: "."), parameter: substitute))
  }
}

extension Array: Member where Element: Member {
  /// Adds every element to a walk, under its index.
  public func collect(at path: String, into walk: inout Walk) {
    for (index, element) in enumerated() {
      element.collect(at: Walk.join(path, String(index)), into: &walk)
    }
  }
}

extension Optional: Member where Wrapped: Member {
  /// Adds what is there to a walk.
  public func collect(at path: String, into walk: inout Walk) {
    self?.collect(at: path, into: &walk)
  }
}

/// What fills the slot of a layer: an adapter, which a walk over the base alone leaves out.
public struct SlotMember: Member {
  private let adapter: (any Member)?

  /// Wraps an adapter, or nothing.
  public init(_ adapter: (any Member)?) { self.adapter = adapter }

  /// Adds the adapter to a walk that includes adapters.
  public func collect(at path: String, into walk: inout Walk) {
    if walk.includesAdapters { adapter?.collect(at: path, into: &walk) }
  }
}
