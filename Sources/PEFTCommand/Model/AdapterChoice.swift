import PEFTAdapters
import PEFTCheckpoints
import PEFTJSON

/// What `--method` names: the settings of an adapter, read as those of a folder are.
///
/// The options become fields of an `adapter_config.json`, of which each method reads its own; a new method needs nothing here.
enum AdapterChoice {
  /// The words that name methods.
  static var names: [String] { AdapterMethods.types.map(name) + AdapterPreset.all.map(\.name) }

  /// Reads the settings of the method of this name, and what is done before it is attached.
  static func read(
    _ name: String, _ arguments: Arguments, seed: UInt64
  ) throws(CommandError) -> (method: any AdapterMethod, start: AdapterStart) {
    let preset = AdapterPreset.named(name)
    guard let type = preset?.type ?? AdapterMethods.types.first(where: { Self.name($0) == name })
    else {
      throw .unknownMethod(
        name, nearest: nearestNames(to: name, among: names + ["full"], count: 2), known: names)
    }
    let set = try AdapterFields.set(arguments)
    let given = try AdapterFields.given(arguments)
    for option in given {
      for field in option.fields where set.contains(where: { $0.name == field.name }) {
        throw .conflict(option.name, "set \(field.name)")
      }
    }
    var fields: [JSON.Member] = [.init("peft_type", .string(type))]
    func add(_ members: [JSON.Member]) {
      for member in members where !fields.contains(where: { $0.name == member.name }) {
        fields.append(member)
      }
    }
    add(set)
    add(preset?.fields ?? [])
    add(given.flatMap(\.fields))
    add(preset?.defaults ?? [])
    // Where a method has such a field and nobody set it.
    let implied = try AdapterFields.implied(arguments).filter { member in
      !fields.contains { $0.name == member.name }
    }
    let file: ConfigurationFile
    var method: any StoredMethod
    var start = AdapterStart.plain
    do throws(CheckpointError) {
      file = try ConfigurationFile(path: "--method \(name)", json: .object(fields + implied))
      if let read = preset?.start { start = try read(file) }
      if let make = preset?.make {
        method = try make(file)
      } else {
        method = try AdapterMethods.read(file).startingAnew
      }
    } catch { throw .invalidMethod("\(error)") }
    let unread = file.unreadFields
    for member in set where unread.contains(member.name) {
      throw .unknownField(
        method: name, field: member.name,
        nearest: nearestNames(to: member.name, among: file.askedNames, count: 2))
    }
    for option in given where option.fields.allSatisfy({ unread.contains($0.name) }) {
      throw .idleOption(option.name, method: name)
    }
    method.selection.seed = seed
    if let change = preset?.change, var lora = method as? LoRA {
      change(&lora)
      method = lora
    }
    if let factor = (method as? LongLoRA)?.positionFactor { start = .positions(factor: factor) }
    return (method, start)
  }

  private static func name(_ type: String) -> String {
    String(type.lowercased().map { $0 == "_" ? "-" : $0 })
  }
}
