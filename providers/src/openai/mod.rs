//! OpenAI chat completions and embeddings.
