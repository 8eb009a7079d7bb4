internal import Foundation

/// Makes a folder and those above it, where they do not exist.
package func makeFolder(_ path: String) throws(CheckpointError) {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    let code = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    throw .ioFailure(
      path: path, operation: "making the folder",
      reason: code.map { String(cString: strerror(Int32($0.code))) } ?? "\(error)")
  }
}

/// Says that a pickle is never opened, where an adapter folder holds only that.
package func refusePickle(_ folder: String) throws(CheckpointError) {
  let (new, old) = ("\(folder)/adapter_model.safetensors", "\(folder)/adapter_model.bin")
  let files = FileManager.default
  if files.fileExists(atPath: old), !files.fileExists(atPath: new) {
    throw .unsupportedFile(
      path: old,
      hint: "a pickle can run any code; load it in Python and save it with safe_serialization=True")
  }
}
