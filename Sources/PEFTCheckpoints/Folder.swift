internal import Foundation

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Makes a folder and those above it, where they do not exist.
package func makeFolder(_ path: String) throws(CheckpointError) {
  var isFolder: ObjCBool = false
  if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
    return
  }
  func failure(_ code: Int32) -> CheckpointError {
    .ioFailure(path: path, operation: "making the folder", reason: SystemError.text(code))
  }
  if mkdir(path, 0o777) == 0 { return }
  let code = errno
  let parent = (path as NSString).deletingLastPathComponent
  // Only a missing parent can be helped; one that cannot be made says why itself.
  guard code == ENOENT, !parent.isEmpty, parent != path else { throw failure(code) }
  try makeFolder(parent)
  if mkdir(path, 0o777) != 0 { throw failure(errno) }
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
