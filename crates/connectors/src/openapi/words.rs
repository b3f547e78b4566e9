//! Texts of a document, as long as they are of use.

/// No description is longer, in characters.
const DESCRIPTION: usize = 500;
/// No description of a whole service is longer, in characters.
const SENTENCE: usize = 300;

/// What is told of those that are.
pub(super) const CUT: &str = "its description is long; the end of it is left out";

/// A description, without what of it is too long; and whether something was.
pub(super) fn description(text: &str) -> (String, bool) {
    let text = text.trim();
    let short = cut(text, DESCRIPTION);
    let is_cut = short.len() < text.len();
    (if is_cut { format!("{short}…") } else { short.to_owned() }, is_cut)
}

/// The first paragraph of a text.
pub(super) fn sentence(text: &str) -> String {
    let first = text.trim().split("\n\n").next().unwrap_or_default();
    let line = first.split_whitespace().collect::<Vec<_>>().join(" ");
    let short = cut(&line, SENTENCE);
    if short.len() < line.len() { format!("{short}…") } else { line }
}

/// So many characters of a text, or fewer where a word ends before that.
fn cut(text: &str, longest: usize) -> &str {
    let Some((end, _)) = text.char_indices().nth(longest) else { return text };
    let whole = &text[..end];
    whole.rsplit_once(char::is_whitespace).map_or(whole, |(words, _)| words).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_ends_with_a_word() {
        assert_eq!(description(" short\n\ntext "), ("short\n\ntext".to_owned(), false));
        let (short, is_cut) = description(&"é word ".repeat(100));
        assert!(
            is_cut
                && (short.ends_with("word…") || short.ends_with("é…"))
                && short.chars().count() <= DESCRIPTION + 1,
            "{short}"
        );
        assert_eq!(description(&"x".repeat(900)).0.chars().count(), DESCRIPTION + 1);
        assert_eq!(sentence("One\nline.\n\nAnother."), "One line.");
    }
}
