import Foundation
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import XCTest

/// Files that were damaged at random: opening and reading them may fail, never crash.
final class SafetensorsMutationTests: XCTestCase {
  func testDamagedFiles() throws {
    let seeds = [
      [UInt8](try Data(contentsOf: Files.fixture("Checkpoints/every_dtype.safetensors"))),
      safetensors(
        #"{"a":{"dtype":"F32","shape":[2,0],"data_offsets":[0,0]},"#
          + #""b":{"dtype":"BF16","shape":[],"data_offsets":[0,2]},"#
          + #""c":{"dtype":"I64","shape":[2],"data_offsets":[2,18]}}"#,
        Array(repeating: 1, count: 18)),
      safetensors(#"{"__metadata__":{"format":"pt"}}"#),
    ]
    var random = SeededRandom(20_240_607)
    var (opened, refused) = (0, 0)
    try Files.withTemporaryFolder { folder in
      let url = folder.appendingPathComponent("damaged.safetensors")
      for round in 0..<20_000 {
        // Most rounds take the short seeds, where a change hits the structure.
        let bytes = damaged(seeds[round % 8 == 0 ? 0 : 1 + round % 2], &random)
        try overwrite(url.path, bytes)
        do {
          let file = try SafetensorsFile(path: url.path)
          opened += 1
          for entry in file.entries {
            XCTAssertEqual(try file.bytes(entry.name).count, entry.byteRange.count)
            if entry.dtype.isReal {
              XCTAssertEqual(
                try file.tensor(entry.name).array.count, entry.shape.reduce(1, *))
            } else {
              _ = try? file.indices(entry.name)
            }
          }
        } catch is CheckpointError {
          refused += 1
        }
      }
    }
    XCTAssertGreaterThan(opened, 100)
    XCTAssertGreaterThan(refused, 10_000)
  }

  /// Writes without waiting for the disk, which `Data.write` does and some file systems do where a
  /// file is cut to nothing and written again.
  private func overwrite(_ path: String, _ bytes: [UInt8]) throws {
    unlink(path)
    let file = try XCTUnwrap(fopen(path, "wb"))
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }

  private func damaged(_ seed: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
    var bytes = seed
    let interesting: [UInt8] = Array("0123456789-+.eE[]{},:\"\\ \0nt".utf8) + [0xFF, 0x80, 0xC0]
    var lengthFits = Bool.random(using: &random)
    for _ in 0..<Int.random(in: 1...3, using: &random) where bytes.count > 8 {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<7, using: &random) {
      case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1: bytes[place] = interesting.randomElement(using: &random) ?? 0
      case 2: bytes.insert(interesting.randomElement(using: &random) ?? 0, at: place)
      case 3: bytes.remove(at: place)
      case 4:
        let end = min(bytes.count, place + Int.random(in: 1...40, using: &random))
        bytes.insert(contentsOf: bytes[place..<end], at: place)
      case 5:
        bytes.removeLast(Int.random(in: 0...min(20, bytes.count - 8), using: &random))
      default:
        bytes.replaceSubrange(0..<8, with: little(UInt64.random(in: .min ... .max, using: &random)))
        lengthFits = false
      }
    }
    // Half of the files get a length that fits, so that the damage reaches the reader of the header.
    if lengthFits, bytes.count >= 8, let close = bytes.lastIndex(of: UInt8(ascii: "}")), close >= 8
    {
      bytes.replaceSubrange(0..<8, with: little(UInt64(close - 7)))
    }
    return bytes
  }
}
