import PEFTTensor
import PEFTTransformer

extension Resolution {
  /// The tensors that a file of this adapter has to hold, by their names there.
  var expectedTensors: [(name: String, shape: [Int])] {
    var result: [(name: String, shape: [Int])] = []
    for entry in shared?.entries ?? [] where entry.role.isStored {
      result.append((entry.name, entry.shape))
    }
    for (site, blueprint) in sites {
      for entry in blueprint.tensors.entries where entry.role.isStored {
        result.append((AdapterFile.name(entry.name, at: site.path), entry.shape))
      }
    }
    let prefix = AdapterFile.copyPrefix(method)
    for (key, parameter) in copies { result.append((prefix + key, parameter.shape)) }
    return result
  }

  /// The tensors that only a training needs, by their names in a file of their own.
  var hiddenTensors: [(name: String, shape: [Int])] {
    var result: [(name: String, shape: [Int])] = []
    for entry in shared?.entries ?? [] where entry.role == .hidden {
      result.append((entry.name, entry.shape))
    }
    for (site, blueprint) in sites {
      for entry in blueprint.tensors.entries where entry.role == .hidden {
        result.append((AdapterFile.name(entry.name, at: site.path), entry.shape))
      }
    }
    return result
  }

  /// Weights of the base that a file may hold beside the adapter, by their names there.
  var optionalBases: [(name: String, parameter: Parameter)] {
    let adapted = sites.compactMap { site, _ in
      (site.linear?.weight ?? site.embedding?.weight).map {
        (AdapterFile.prefix + AdapterFile.baseKey(site.path), $0)
      }
    }
    return adapted + tables.map { ("\(AdapterFile.prefix)\($0.path).weight", $0.parameter) }
  }

  /// Whether a tensor is one that PEFT writes twice: `bias: "all"` finds those of a saved module under its inner names too, and rows of
  /// tokens stand at a tied head as well.
  func isDuplicate(_ name: String) -> Bool {
    let isTiedRows = sites.contains { site, _ in
      TokenRowsPlan.isFollower(site.module)
        && name == AdapterFile.name(TrainableTokens.tensor, at: site.path)
    }
    return isTiedRows
      || copies.contains { key, _ in
        guard let dot = key.lastIndex(of: ".") else { return false }
        let (module, own) = (key[..<dot], key[dot...])
        return ["modules_to_save", "original_module"].contains {
          name == AdapterFile.prefix + "\(module).\($0)\(own)"
        }
      }
  }
}

extension Adapter {
  /// Every tensor that is stored, by its name in a file.
  var storedTensors: [(name: String, parameter: Parameter)] {
    tensors.filter(\.role.isStored).map { ($0.name, $0.parameter) }
      + copies.filter(\.isTrained).map { (AdapterFile.copyPrefix(method) + $0.key, $0.copy) }
  }
}
