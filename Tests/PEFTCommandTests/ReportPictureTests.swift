import Foundation
import PEFTTestSupport
import XCTest

/// Lays a report out in a headless browser, and looks for what a reader would stumble over.
final class ReportPictureTests: XCTestCase {
  /// Tells the page around it of texts that lie over each other or outside of their picture, and of what is wider than the screen.
  private static let look = """
    <script>
    addEventListener('load', () => {
      const faults = [];
      const page = document.documentElement;
      if (page.scrollWidth > page.clientWidth) {
        faults.push('the page is ' + page.scrollWidth + ' wide on a screen of ' + page.clientWidth);
      }
      let seen = 0;
      for (const picture of document.querySelectorAll('svg')) {
        const frame = picture.getBoundingClientRect();
        const texts = [...picture.querySelectorAll('text')]
          .map((text) => ({ name: text.textContent, box: text.getBoundingClientRect() }));
        texts.forEach(({ name, box }, place) => {
          seen += 1;
          if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1) {
            faults.push('"' + name + '" leaves its picture');
          }
          for (const other of texts.slice(place + 1)) {
            const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
            const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
            if (across > 0.5 && down > 3) faults.push('"' + name + '" lies over "' + other.name + '"');
          }
        });
      }
      parent.postMessage(seen + ' texts, ' + (faults.join('; ') || 'no faults'), '*');
    });
    </script>
    """

  func testNoTextLiesOverAnotherAndNothingIsTooWide() throws {
    let browser = try Self.browser()
    try Files.withTemporaryFolder { folder in
      let run = folder.path + "/run"
      _ = try SampleRun.write(to: run)
      let report = try CommandRun(["report", run])
      XCTAssertEqual(report.exitCode, 0, report.errors)
      let page = try String(contentsOfFile: run + "/report.html", encoding: .utf8)
      try page.replacingOccurrences(of: "</body>", with: Self.look + "</body>")
        .write(toFile: folder.path + "/page.html", atomically: true, encoding: .utf8)
      for width in [320, 390, 800, 1200] {
        let frame = """
          <body><script>onmessage = (event) => { document.body.textContent = '[' + event.data + ']'; }</script>
          <iframe src="page.html" style="border: 0; width: \(width)px; height: 4000px"></iframe></body>
          """
        let path = folder.path + "/frame.html"
        try frame.write(toFile: path, atomically: true, encoding: .utf8)
        let seen = try CommandRun(
          browser,
          [
            "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000",
            "--user-data-dir=\(folder.path)/browser", "--dump-dom", "file://\(path)",
          ])
        let found = seen.output.split(separator: "[").last.map(String.init) ?? ""
        XCTAssertTrue(
          found.contains("texts, no faults]"), "\(width) pixels: \(found)\(seen.errors)")
        XCTAssertFalse(found.hasPrefix("0 "), found)
      }
    }
  }

  private static func browser() throws -> URL {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    for folder in path.split(separator: ":") {
      for name in ["chromium", "chromium-browser", "google-chrome"] {
        let program = "\(folder)/\(name)"
        if FileManager.default.isExecutableFile(atPath: program) {
          return URL(fileURLWithPath: program)
        }
      }
    }
    throw XCTSkip("no chromium in PATH, which would lay the page out")
  }
}
