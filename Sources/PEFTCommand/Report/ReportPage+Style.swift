extension ReportPage {
  /// How the page looks: in light and dark, on a phone and on a wide screen.
  static let style = """
    :root { color-scheme: light dark; --page: #ffffff; --card: #f6f8fa; --ink: #1b1f24; --soft: #57606a;
      --grid: #d8dee4; --c1: #0b62c4; --c2: #c2410c; --c3: #15803d; --c4: #9333ea; --c5: #0e7490;
      --c6: #b91c77; --c7: #854d0e; --c8: #4b5563; }
    @media (prefers-color-scheme: dark) { :root { --page: #0d1117; --card: #161b22; --ink: #e6edf3;
      --soft: #9198a1; --grid: #2a3139; --c1: #6cb6ff; --c2: #ff9a62; --c3: #5fd68b; --c4: #c49bff;
      --c5: #5cd0e6; --c6: #ff8ac8; --c7: #e0b050; --c8: #aab2bd; } }
    * { box-sizing: border-box; }
    body { margin: 0 auto; padding: 16px; max-width: 1080px; background: var(--page); color: var(--ink);
      font: 16px/1.45 system-ui, "Helvetica Neue", Arial, sans-serif; overflow-wrap: anywhere; }
    h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 28px 0 10px; }
    h3 { font-size: 1rem; margin: 0 0 6px; }
    header p, figcaption, .tile span, .pair span, .legend { color: var(--soft); font-size: .875rem; }
    header p { margin: 4px 0 16px; }
    .tiles { display: grid; gap: 10px; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); }
    .tile, figure, article { background: var(--card); border-radius: 8px; padding: 12px; margin: 0; }
    .tile span { display: block; } .tile b { display: block; font-size: 1.35rem; }
    .grid { display: grid; gap: 14px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); }
    figcaption { margin-bottom: 6px; font-weight: 600; }
    svg { display: block; width: 100%; height: auto; } .bar { height: 26px; border-radius: 4px; }
    .tick { fill: var(--soft); font-size: 11px; } .middle { text-anchor: middle; }
    .end { text-anchor: end; } .value { fill: var(--ink); } .over { fill: var(--page); } .cell { fill: var(--c1); }
    .grid line, line.grid { stroke: var(--grid); stroke-width: 1; }
    .curve { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
    .curve.faint { stroke-width: 1; stroke-opacity: .4; }
    .legend { margin: 8px 0 0; display: flex; flex-wrap: wrap; gap: 4px 16px; }
    .key::before { content: ""; display: inline-block; width: 14px; height: 4px; border-radius: 2px;
      margin-right: 6px; vertical-align: middle; background: var(--own); }
    .key.faint::before { opacity: .4; }
    .pair { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 280px), 1fr)); }
    article { margin-bottom: 12px; } .text { white-space: pre-wrap; margin: 2px 0 0; }
    .prompt { font-weight: 600; margin-bottom: 10px; }
    table { border-collapse: collapse; width: 100%; font-size: .875rem; }
    th, td { text-align: left; vertical-align: top; padding: 4px 8px 4px 0; border-top: 1px solid var(--grid); }
    summary { cursor: pointer; }
    th { font-weight: 400; color: var(--soft); width: 42%; }

    """
    + (1...8).map { number in
      ".c\(number) { stroke: var(--c\(number)); } .m\(number) { fill: var(--c\(number)); } "
        + ".k\(number) { --own: var(--c\(number)); }"
    }.joined(separator: "\n")
}
