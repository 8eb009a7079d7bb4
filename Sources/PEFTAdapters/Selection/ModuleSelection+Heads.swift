import PEFTTransformer

extension ModuleSelection {
  /// Trains the head of a classifier as a whole, as PEFT does for the task: without it an adapter could not learn new classes.
  mutating func addHeads(of model: any AdapterHost) {
    guard ["SEQ_CLS", "TOKEN_CLS"].contains(model.taskType) else { return }
    let paths = model.walk(includingAdapters: false).modules.map(\.path)
    for head in ["classifier", "score"] where !modulesToSave.contains(head) {
      if paths.contains(where: { $0.isPath(of: head) }) { modulesToSave.append(head) }
    }
  }
}
