//! Embeddings from a hash of the text: the same for the same text, and near where texts share words.

/// A vector of length 1. It is the sum of one random direction for each word, so texts with the same words are the
/// same and texts that share words are near. Its numbers are those of 32-bit floats, so no encoding changes them.
pub(super) fn embedding(text: &str, dimensions: u32) -> Vec<f64> {
    let mut sum = vec![0.0; dimensions as usize];
    let lower = text.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).peekable();
    if words.peek().is_none() {
        add(text, &mut sum);
    }
    words.for_each(|word| add(word, &mut sum));
    let length = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
    sum.iter().map(|x| f64::from((x / length) as f32)).collect()
}

fn add(word: &str, sum: &mut [f64]) {
    let mut state = hash(word.as_bytes());
    for x in sum {
        // The upper 53 bits, from -1 to 1. The last bit is set, so that it is never zero.
        *x += ((random(&mut state) >> 11) | 1) as f64 / (1u64 << 52) as f64 - 1.0;
    }
}

/// FNV-1a, 64 bits (<https://www.rfc-editor.org/rfc/rfc9923>).
pub(super) fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn a_vector_has_length_one_and_is_the_same_each_time() {
        for (text, dimensions) in [("", 8), ("a", 1), ("Grüße aus Ulm", 256), ("?!", 64)] {
            let vector = embedding(text, dimensions);
            assert_eq!(vector.len(), dimensions as usize);
            assert!((near(&vector, &vector) - 1.0).abs() < 1e-6, "{text}");
            assert_eq!(vector, embedding(text, dimensions));
            assert!(vector.iter().all(|x| f64::from(*x as f32) == *x));
        }
    }

    #[test]
    fn texts_that_share_words_are_near() {
        let [a, b, c] =
            ["the sky is blue", "The sky is grey.", "books on gardening"].map(|t| embedding(t, 256));
        assert!(near(&a, &b) > 0.5 && near(&a, &c).abs() < 0.3, "{} {}", near(&a, &b), near(&a, &c));
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
