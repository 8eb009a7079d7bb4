import PEFTTransformer

extension ModuleSelection {
  /// Trains the head of a classifier of texts as a whole, as PEFT does for the task, and what else the folder of the base has nothing for:
  /// without it an adapter could not learn new classes, and random numbers that are not saved with it would be others the next time.
  ///
  /// - Parameters:
  ///   - model: the base.
  ///   - isMeant: whether a module is meant, by its path.
  mutating func addHeads(of model: any AdapterHost, where isMeant: (String) -> Bool = { _ in true })
  {
    if ["SEQ_CLS", "TOKEN_CLS"].contains(model.taskType) {
      let paths = model.walk(includingAdapters: false).modules.map(\.path)
      for head in ["classifier", "score"] where !modulesToSave.contains(head) {
        let own = paths.filter { $0.isPath(of: head) }
        if own.contains(where: isMeant) { modulesToSave.append(head) }
      }
    }
    for path in (model as? any PretrainedModel)?.origin?.newModules ?? [] {
      let places = [path].withAncestors
      let isSaved = modulesToSave.contains { name in
        places.contains { $0.endsExactly(with: name) }
      }
      if !isSaved, isMeant(path) { modulesToSave.append(path) }
    }
  }
}
