//! Documentation of Rust as documentation of Python: without its links and examples, wrapped anew.

/// The longest line that is written.
pub(super) const WIDTH: usize = 110;

/// The prose of a doc comment: no code blocks, no links to items, Python's words for what is nothing, true or false.
pub(super) fn prose(doc: &str) -> String {
    let mut inside = false;
    let mut kept: Vec<&str> = Vec::new();
    for line in doc.lines() {
        let is_fence = line.trim_start().starts_with("```");
        if is_fence && !inside {
            forget_introduction(&mut kept);
        }
        inside ^= is_fence;
        if !inside && !is_fence {
            kept.push(line);
        }
    }
    let text = unlinked(&kept.join("\n"));
    let words = [
        ("`null`", "`None`"),
        ("`true`", "`True`"),
        ("`false`", "`False`"),
        ("Default false", "Default `False`"),
        ("Default true", "Default `True`"),
        ("; null takes", "; None takes"),
    ];
    words.iter().fold(text, |text, (rust, python)| text.replace(rust, python)).trim().to_owned()
}

/// Takes off the paragraph that ends with a colon: it leads to code that is left out.
fn forget_introduction(lines: &mut Vec<&str>) {
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    if lines.last().is_some_and(|line| line.ends_with(':')) {
        while lines.pop().is_some_and(|line| !line.is_empty()) {}
    }
}

/// Text without links to items: ``[`X::y`](super::X)`` is `` `X.y` ``; links to pages keep their address.
fn unlinked(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        let Some((label, after)) = after.split_once(']') else {
            out.push('[');
            rest = after;
            continue;
        };
        let target = after.strip_prefix('(').and_then(|inside| inside.split_once(')'));
        match target {
            Some((page, after)) if page.starts_with("http") => {
                out.push_str(&format!("{label} ({page})"));
                rest = after;
            }
            Some((_, after)) => {
                out.push_str(label);
                rest = after;
            }
            None if label.starts_with('`') => {
                out.push_str(label);
                rest = after;
            }
            None => {
                out.push_str(&format!("[{label}]"));
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out.replace("::", ".")
}

/// The first configuration that a doc comment's examples read, as they write it.
pub(super) fn example(doc: &str) -> Option<serde_json::Value> {
    let (_, after) = doc.split_once("from_str(")?;
    let (_, after) = after.split_once("r#\"")?;
    let (json, _) = after.split_once("\"#")?;
    serde_json::from_str(json).ok()
}

/// Text in lines of at most [`WIDTH`], each behind `indent` spaces. Paragraphs and lists stay what they are; a table
/// becomes a list.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    let mut out = Vec::new();
    for block in blocks(text) {
        let hang = if is_item(&block) { 2 } else { 0 };
        if block.starts_with('|') {
            out.extend(items(&block).iter().flat_map(|item| filled(item, indent, 2)));
        } else {
            out.extend(filled(&block, indent, hang));
        }
    }
    out.join("\n")
}

/// The rows of a table as items: what the first column says, then the others under their heads.
fn items(table: &str) -> Vec<String> {
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let mut lines = table.lines();
    let heads = lines.next().map(cells).unwrap_or_default();
    let row = |line: &str| {
        let cells = cells(line);
        let rest = cells.iter().zip(&heads).skip(1).map(|(cell, head)| match heads.len() {
            ..=2 => cell.clone(),
            _ => format!("{}: {cell}", capital(head)),
        });
        let first = cells.first().map_or("", String::as_str);
        let joint = if heads.len() > 2 { "." } else { ":" };
        format!("- {first}{joint} {}", rest.collect::<Vec<_>>().join(". "))
    };
    lines.skip(1).map(row).collect()
}

/// The text with its first letter as a capital.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// What is wrapped together: a paragraph, an item of a list, a table; an empty block between paragraphs.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    for line in text.lines() {
        let joins = match blocks.last() {
            None => false,
            Some(last) if last.is_empty() || line.is_empty() => false,
            Some(last) if last.starts_with('|') => true,
            Some(_) => !is_item(line.trim_start()),
        };
        match blocks.last_mut().filter(|_| joins) {
            Some(last) if last.starts_with('|') => last.push_str(&format!("\n{line}")),
            Some(last) => last.push_str(&format!(" {}", line.trim_start())),
            None => blocks.push(line.trim_start().to_owned()),
        }
    }
    blocks
}

fn is_item(line: &str) -> bool {
    let after_digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with("- ") || (after_digits.len() < line.len() && after_digits.starts_with(". "))
}

/// Text whose first line stands at `indent` and all others four spaces further in.
pub(super) fn hanging(text: &str, indent: usize) -> String {
    let mut out: Vec<String> = Vec::new();
    for block in blocks(text).iter().filter(|block| !block.is_empty()) {
        let own = if out.is_empty() { indent } else { indent + 4 };
        out.extend(filled(block, own, if out.is_empty() { 4 } else { 0 }));
    }
    out.join("\n")
}

fn filled(text: &str, indent: usize, hang: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = " ".repeat(indent);
    let mut is_empty = true;
    for word in text.split_whitespace() {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent + hang)));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push(if is_empty { String::new() } else { line });
    lines
}

/// A docstring at this indent, with `more` sections behind the prose.
pub(super) fn docstring(doc: &str, more: &[String], indent: usize) -> String {
    let pad = " ".repeat(indent);
    let mut body = wrapped(&doc.replace('\\', "\\\\").replace("\"\"\"", "'''"), indent);
    for section in more {
        body.push_str("\n\n");
        body.push_str(section);
    }
    let body = body.trim_start();
    if body.contains('\n') || body.len() + indent + 6 > WIDTH {
        format!("{pad}\"\"\"{body}\n{pad}\"\"\"")
    } else {
        format!("{pad}\"\"\"{body}\"\"\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_items_are_names_and_links_to_pages_stay() {
        let doc = "Sees [`Scrub::fields`](super::Scrub::fields), [`Slow`], [A-Z] and [RFC](https://x.y).";
        assert_eq!(prose(doc), "Sees `Scrub.fields`, `Slow`, [A-Z] and RFC (https://x.y).");
    }

    #[test]
    fn examples_in_rust_are_left_out_and_their_configuration_is_found() {
        let doc = "First.\n\nAs in:\n\n```\nlet x: X = from_str(r#\"{\"a\": 1}\"#)?;\n```\n\nDefault `null`.";
        assert_eq!(prose(doc), "First.\n\nDefault `None`.");
        assert_eq!(example(doc).unwrap(), serde_json::json!({"a": 1}));
    }

    #[test]
    fn lists_stay_and_tables_become_lists() {
        let text = "One\ntwo.\n\n- a\n  b\n- c\n\n| x | y |\n|---|---|\n| 1 | 2 |";
        assert_eq!(wrapped(text, 2), "  One two.\n\n  - a b\n  - c\n\n  - 1: 2");
        assert_eq!(wrapped("| x | y | z |\n|---|---|---|\n| 1 | 2 | 3 |", 0), "- 1. Y: 2. Z: 3");
    }
}
