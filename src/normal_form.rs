//! Unicode's normal forms of a text: the same letters in other characters.

use unicode_normalization::UnicodeNormalization;

/// A normal form's name, and what makes it of a text.
type NormalForm = (&'static str, fn(&str) -> String);

/// Those that keep what a text looks like come first.
const FORMS: [NormalForm; 4] = [
    ("NFC", |text| text.nfc().collect()),
    ("NFD", |text| text.nfd().collect()),
    ("NFKC", |text| text.nfkc().collect()),
    ("NFKD", |text| text.nfkd().collect()),
];

/// The first normal form in which a text fits, as it does not as it is: its name.
pub(crate) fn form_that_fits(text: &str, fits: impl Fn(&str) -> bool) -> Option<&'static str> {
    // Ascii is in every form.
    let mut forms = FORMS.into_iter().filter(|_| !text.is_ascii());
    forms.find(|(_, form)| fits(&form(text))).map(|(name, _)| name)
}

/// What to say of a form that fits.
pub(crate) fn form_hint(form: &str) -> String {
    format!(
        "the alphabet has it in Unicode normal form {form}: convert the text with unicodedata.normalize('{form}', text)"
    )
}

/// A text in the form in which equal letters are equal characters.
#[cfg(feature = "cli")]
pub(crate) fn in_nfc(text: &str) -> String {
    text.nfc().collect()
}

/// A text in the form in which letters of other widths, ligatures and the like are the same, too.
#[cfg(feature = "cli")]
pub(crate) fn in_nfkc(text: &str) -> String {
    text.nfkc().collect()
}

/// Whether a character is not seen by itself: joiners, marks of direction, soft hyphens.
#[cfg(feature = "cli")]
pub(crate) fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_form_that_fits_is_named() {
        let form = |text: &str, wanted: &str| form_that_fits(text, |text| text == wanted);
        assert_eq!(form("e\u{301}", "\u{e9}"), Some("NFC"));
        assert_eq!(form("\u{e9}", "e\u{301}"), Some("NFD"));
        assert_eq!(form("\u{fb01}", "fi"), Some("NFKC"));
        assert_eq!(form("\u{1d92}", "\u{1d92}x"), None);
        assert_eq!(form("fi", "fi"), None, "it fits as it is");
    }
}
