import PEFTTensor
import PEFTTransformer

/// The places of all moments of an optimiser in one file.
struct MappedMoments {
  private struct Place {
    let shape: [Int]
    let parts: [(format: MomentFormat, memory: [Storage])]
  }

  private let file: ScratchFile
  private var places: [ObjectIdentifier: Place] = [:]

  /// Reserves a place for every parameter.
  init(
    _ parameters: [Parameter], _ formats: (Int) -> [MomentFormat], folder: String
  ) throws(TrainingError) {
    let sizes = parameters.flatMap { parameter in
      formats(parameter.count).flatMap { $0.byteCounts(parameter.count) }
    }
    let file: ScratchFile
    do throws(ScratchFile.Failure) {
      file = try ScratchFile(
        folder: folder, byteCount: sizes.reduce(0) { $0 + ScratchFile.reserved($1) })
    } catch {
      throw .stateFile(folder: error.folder, bytes: error.byteCount, reason: error.reason)
    }
    self.file = file
    for parameter in parameters {
      let parts = formats(parameter.count).map { format in
        (format, format.byteCounts(parameter.count).map { file.part(byteCount: $0) })
      }
      places[ObjectIdentifier(parameter)] = Place(shape: parameter.shape, parts: parts)
    }
  }

  /// The moments of a parameter, set to zero.
  func zeros(_ parameter: Parameter) -> [Moment] {
    guard let place = places[ObjectIdentifier(parameter)] else { return [] }
    return place.parts.map { format, memory in
      for part in memory {
        part.address.initializeMemory(as: UInt8.self, repeating: 0, count: part.byteCount)
      }
      return Moment(memory, place.shape, format)
    }
  }

  /// Lets the pages of a parameter's moments leave the process.
  func release(_ parameter: Parameter) {
    for part in places[ObjectIdentifier(parameter)]?.parts ?? [] {
      for memory in part.memory { file.release(memory) }
    }
  }
}
