use super::*;

fn both(text: &str) -> [u64; 2] {
    [Encoding::O200kBase, Encoding::Cl100kBase].map(|encoding| Tiktoken::new(encoding).text(text))
}

// The counts are those of Python's tiktoken 0.14.0.

#[test]
fn x3_markers_are_plain_text() {
    for (marker, counts) in [("<|endoftext|>", [7, 7]), ("<|im_start|>", [6, 6]), ("<|endofprompt|>", [7, 7])]
    {
        assert_eq!(both(marker), counts, "{marker}");
    }
}

#[test]
fn x4_long_runs_have_the_tokens_that_tiktoken_finds() {
    for (run, times, counts) in [
        ("a", 100_000, [12_500, 12_500]),
        ("A", 50_000, [6_250, 6_250]),
        ("ab", 50_000, [25_000, 50_000]),
        ("aA", 50_000, [50_001, 100_000]),
        ("あ", 20_000, [20_000, 20_000]),
        ("🦀", 20_000, [60_000, 60_000]),
        ("\n", 100_000, [6_250, 3_125]),
        ("1", 100_000, [33_334, 33_334]),
        ("!", 100_000, [6_250, 12_500]),
        ("' ", 50_000, [50_001, 50_001]),
        ("\u{301}", 50_000, [50_000, 50_000]),
    ] {
        assert_eq!(both(&run.repeat(times)), counts, "{run}");
    }
}

#[test]
fn no_text_has_no_tokens() {
    assert_eq!(both(""), [0, 0]);
}
