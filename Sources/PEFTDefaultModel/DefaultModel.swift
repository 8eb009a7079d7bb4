public import Foundation

/// The small base model that the package carries.
///
/// A Llama-style decoder in Hugging Face's format (`config.json`, `model.safetensors` in bfloat16,
/// `tokenizer.json`), pre-trained on the stories of ``StoryGenerator`` by `peft pretrain`. How, and how well, is
/// in `README.md` beside this file.
public enum DefaultModel {
  /// The model's folder among the resources of the program; nil where the resources were not
  /// installed with it.
  public static var folder: URL? {
    guard let folder = Bundle.module.resourceURL?.appendingPathComponent("Model"),
      FileManager.default.fileExists(atPath: folder.appendingPathComponent("config.json").path)
    else { return nil }
    return folder
  }
}
