import PEFTTransformer

extension ModuleSelection {
  /// Trains the head of a classifier as a whole, as PEFT does for the task: without it an adapter could not learn new classes.
  ///
  /// - Parameters:
  ///   - model: the base.
  ///   - isMeant: whether a head is meant, by its path.
  mutating func addHeads(of model: any AdapterHost, where isMeant: (String) -> Bool = { _ in true })
  {
    guard ["SEQ_CLS", "TOKEN_CLS"].contains(model.taskType) else { return }
    let paths = model.walk(includingAdapters: false).modules.map(\.path)
    for head in ["classifier", "score"] where !modulesToSave.contains(head) {
      let own = paths.filter { $0.isPath(of: head) }
      if own.contains(where: isMeant) { modulesToSave.append(head) }
    }
  }
}
