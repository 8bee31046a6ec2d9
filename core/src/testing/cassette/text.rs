//! Cutting text where people want a new line.

/// JSON shorter than this stays on one line, in bytes.
const SHORT: usize = 100;

/// Pieces that make the text when joined: one a line, and long JSON also behind the commas of its outermost object.
pub(super) fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n')
        .flat_map(|line| if line.len() > SHORT { members(line) } else { vec![line] })
        .collect()
}

/// A line of JSON, cut behind the commas of its outermost object; any other line as it is.
fn members(line: &str) -> Vec<&str> {
    let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
    let mut cuts = Vec::new();
    if !line.starts_with('{') {
        return vec![line];
    }
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 1 => cuts.push(at + 1),
            _ => {}
        }
    }
    let mut pieces = Vec::new();
    let mut rest = line;
    let mut from = 0;
    for cut in cuts {
        let Some((piece, tail)) = rest.split_at_checked(cut - from) else { break };
        pieces.push(piece);
        (rest, from) = (tail, cut);
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn the_pieces_make_the_text() {
        let json = format!("{{\"a\":\"x,\\\"y\",\"b\":[1,2],\"c\":\"{}\"}}", "z".repeat(SHORT));
        assert_eq!(lines(&json).len(), 3, "{:?}", lines(&json));
        for text in
            ["", "a", "a\nb\n", "\n\n", "data: {}\r\n\r\n", &json, &json.repeat(2), "{\"a\":\"cut, off"]
        {
            assert_eq!(lines(text).concat(), text);
        }
    }
}
