//! From tokens to text and words.

use super::alignment::TokenSpan;

/// What separates words in an alphabet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WordDelimiter {
    /// A token of its own, shown as a space.
    Token(u32),
    /// A mark at the beginning of a word's first token, shown as a space.
    Prefix(String),
    /// Nothing, since each token is a word: words are shown with a space between them.
    EachToken,
    /// Nothing: there are no words.
    None,
}

/// What a token, or a part of it, adds to a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordPiece {
    /// Whether a word ends before it.
    pub boundary: bool,
    /// The text that follows, within one word.
    pub text: String,
}

/// A word and where it lies.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedWord {
    /// Its text.
    pub text: String,
    /// From its first token to its last. The peak is that of the most confident token (the first one if several are
    /// equal), and the confidence is the lowest of its tokens'.
    pub span: TokenSpan,
}

/// What alphabets call the space between words, in order of preference.
const SPACES: [&str; 4] = [" ", "<space>", "[space]", "|"];

/// Whether a token is the space between words by its name.
pub fn is_space(token: &str) -> bool {
    SPACES.iter().any(|space| token.eq_ignore_ascii_case(space))
}

/// The mark of word pieces.
pub const WORD_PIECE_MARK: &str = "▁";

/// How tokens are written: by the names of an alphabet, or as class indices separated by spaces.
#[derive(Clone, Debug)]
pub struct Spelling {
    names: Option<Vec<String>>,
    delimiter: WordDelimiter,
}

impl Spelling {
    /// Tokens are written as class indices.
    pub fn indices() -> Self {
        Self { names: None, delimiter: WordDelimiter::None }
    }

    /// Tokens are written by their names; `names` has one per class.
    pub fn new(names: Vec<String>, delimiter: WordDelimiter) -> Self {
        Self { names: Some(names), delimiter }
    }

    /// The class of the space between words, if one is called so: the space itself, else `<space>`, `[space]` or `|`.
    pub fn space_class(names: &[String], blank: u32) -> Option<u32> {
        SPACES.iter().find_map(|wanted| {
            let named = |(class, name): &(u32, &String)| *class != blank && name.eq_ignore_ascii_case(wanted);
            (0..).zip(names).find(named).map(|(class, _)| class)
        })
    }

    /// What separates words unless something else is said: the space by one of its names, otherwise a leading `▁`.
    pub fn default_delimiter(names: &[String], blank: u32) -> WordDelimiter {
        if let Some(class) = Self::space_class(names, blank) {
            return WordDelimiter::Token(class);
        }
        if names.iter().any(|name| name.starts_with(WORD_PIECE_MARK)) {
            return WordDelimiter::Prefix(WORD_PIECE_MARK.to_owned());
        }
        WordDelimiter::None
    }

    /// A token by itself.
    pub fn token(&self, class: u32) -> String {
        match &self.names {
            Some(names) => names.get(class as usize).cloned().unwrap_or_default(),
            None => class.to_string(),
        }
    }

    /// The text of a token sequence.
    pub fn text(&self, tokens: &[u32]) -> String {
        if self.names.is_none() {
            let indices: Vec<String> = tokens.iter().map(u32::to_string).collect();
            return indices.join(" ");
        }
        let text: String = tokens.iter().map(|&class| self.shown(class)).collect();
        match &self.delimiter {
            WordDelimiter::Prefix(_) | WordDelimiter::EachToken => {
                text.strip_prefix(' ').map(str::to_owned).unwrap_or(text)
            }
            _ => text,
        }
    }

    fn shown(&self, class: u32) -> String {
        match &self.delimiter {
            WordDelimiter::Token(delimiter) if *delimiter == class => " ".to_owned(),
            WordDelimiter::Prefix(mark) => self.token(class).replace(mark, " "),
            WordDelimiter::EachToken => format!(" {}", self.token(class)),
            _ => self.token(class),
        }
    }

    /// Whether tokens are written by their names.
    pub fn has_names(&self) -> bool {
        self.names.is_some()
    }

    /// What separates words.
    pub fn delimiter(&self) -> &WordDelimiter {
        &self.delimiter
    }

    /// What a token adds to a text, in order; usually one piece.
    pub fn pieces(&self, class: u32) -> Vec<WordPiece> {
        let shown = self.shown(class);
        if self.delimiter == WordDelimiter::None || !shown.contains(' ') {
            return vec![WordPiece { boundary: false, text: shown }];
        }
        let mut pieces: Vec<WordPiece> = shown
            .split(' ')
            .enumerate()
            .filter(|(_, text)| !text.is_empty())
            .map(|(at, text)| WordPiece { boundary: at > 0, text: text.to_owned() })
            .collect();
        if shown.ends_with(' ') {
            pieces.push(WordPiece { boundary: true, text: String::new() });
        }
        pieces
    }

    /// The words of a token sequence; `None` if the alphabet has no words. `spans` has one entry per token.
    pub fn words(&self, tokens: &[u32], spans: &[TokenSpan]) -> Option<Vec<TimedWord>> {
        if self.delimiter == WordDelimiter::None {
            return None;
        }
        let mut words: Vec<TimedWord> = Vec::new();
        let mut open = false;
        let mut most_confident = 0.0;
        for (&class, span) in tokens.iter().zip(spans) {
            for WordPiece { boundary, text } in self.pieces(class) {
                open &= !boundary;
                if text.is_empty() {
                    continue;
                }
                if let Some(word) = words.last_mut().filter(|_| open) {
                    word.text += &text;
                    word.span.end_frame = span.end_frame;
                    word.span.confidence = word.span.confidence.min(span.confidence);
                    if span.confidence > most_confident {
                        (word.span.peak_frame, most_confident) = (span.peak_frame, span.confidence);
                    }
                } else {
                    most_confident = span.confidence;
                    words.push(TimedWord { text, span: *span });
                }
                open = true;
            }
        }
        Some(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(count: usize) -> Vec<TokenSpan> {
        let span = |i| TokenSpan {
            start_frame: 2 * i,
            end_frame: 2 * i + 1,
            peak_frame: 2 * i,
            confidence: 1.0 - i as f64 / 100.0,
        };
        (0..count).map(span).collect()
    }

    fn spell(names: &[&str], tokens: &[u32]) -> (String, Vec<(String, usize, usize)>) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let delimiter = Spelling::default_delimiter(&names, 0);
        let spelling = Spelling::new(names, delimiter);
        let words = spelling.words(tokens, &spans(tokens.len())).unwrap_or_default();
        let words =
            words.into_iter().map(|word| (word.text, word.span.start_frame, word.span.end_frame)).collect();
        (spelling.text(tokens), words)
    }

    #[test]
    fn a_word_peaks_where_its_surest_token_does() {
        let spelling = Spelling::new(["-", "a", " "].map(str::to_owned).to_vec(), WordDelimiter::Token(2));
        let mut spans = spans(5);
        for (span, confidence) in spans.iter_mut().zip([0.5, 0.9, 0.9, 1.0, 0.1]) {
            span.confidence = confidence;
        }
        let words = spelling.words(&[1, 1, 1, 2, 1], &spans).expect("an alphabet with words");
        let peaks: Vec<_> = words.iter().map(|word| (word.span.peak_frame, word.span.confidence)).collect();
        assert_eq!(peaks, [(2, 0.5), (8, 0.1)]);
    }

    #[test]
    fn words_by_every_delimiter() {
        let word = |text: &str, start, end| (text.to_owned(), start, end);
        let two = vec![word("ab", 0, 3), word("a", 6, 7)];
        assert_eq!(spell(&["-", "a", "b", " "], &[1, 2, 3, 1]), ("ab a".into(), two.clone()));
        assert_eq!(spell(&["-", "a", "b", "|"], &[1, 2, 3, 1]), ("ab a".into(), two.clone()));
        assert_eq!(spell(&["-", "a", "b", "<SPACE>"], &[1, 2, 3, 1]), ("ab a".into(), two));
        // Beside what can be nothing else, a bar is a mark.
        assert_eq!(spell(&["-", "a", "|", "<space>"], &[1, 2, 3, 1]).0, "a| a");
        assert_eq!(spell(&["|", "a", "<space>"], &[1, 2, 1]).0, "a a", "the blank is in no text");
        let pieces = vec![word("ab", 0, 3), word("a", 4, 5)];
        assert_eq!(spell(&["-", "▁a", "b"], &[1, 2, 1]), ("ab a".into(), pieces));
        assert_eq!(spell(&["-", "a", " "], &[2, 2, 1, 2]), ("  a ".into(), vec![word("a", 4, 5)]));
        assert_eq!(spell(&["-", "a"], &[1, 1]), ("aa".into(), vec![]));
        let names = ["-", "N", "NG"].map(str::to_owned).to_vec();
        let each = Spelling::new(names, WordDelimiter::EachToken);
        assert_eq!([each.text(&[1, 2, 2]), each.text(&[])], ["N NG NG", ""]);
        let words = each.words(&[1, 2, 2], &spans(3)).expect("an alphabet with words");
        let words: Vec<_> =
            words.into_iter().map(|word| (word.text, word.span.start_frame, word.span.end_frame)).collect();
        assert_eq!(words, [word("N", 0, 1), word("NG", 2, 3), word("NG", 4, 5)]);
        let inner = vec![word("a", 0, 1), word("b", 0, 1), word("a", 4, 5), word("ba", 6, 9)];
        let names = ["-", "a", "▁a▁b", "▁▁", "b▁", "▁b"];
        assert_eq!(spell(&names, &[2, 3, 1, 5, 1]), ("a b  a ba".into(), inner));
        let trailing = vec![word("ab", 0, 3), word("a", 4, 5)];
        assert_eq!(spell(&names, &[1, 4, 1]), ("ab a".into(), trailing));
    }
}
