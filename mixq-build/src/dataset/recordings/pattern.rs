//! Names of files that say what is in them.

/// Parts of a pattern.
#[derive(Debug)]
enum Piece<'a> {
    Text(&'a str),
    Class,
    Group,
    Any,
}

/// What a name says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said<'a> {
    /// The class.
    pub class: Option<&'a str>,
    /// The group.
    pub group: Option<&'a str>,
}

/// What the end of a path says by a pattern such as `{group}_{class}.csv`; `None` if it does not have this
/// form. `{class}`, `{group}` and `*` stand for one sign or more, without `/`; the first of them are as short
/// as can be.
pub fn matches<'a>(pattern: &str, path: &'a str) -> Option<Said<'a>> {
    let skipped = path.split('/').count().checked_sub(pattern.split('/').count())?;
    let mut rest = path;
    for _ in 0..skipped {
        rest = rest.split_once('/')?.1;
    }
    fit(&pieces(pattern), rest, Said::default())
}

fn pieces(mut pattern: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    while !pattern.is_empty() {
        let special = [("{class}", Piece::Class), ("{group}", Piece::Group), ("*", Piece::Any)];
        let found = special.into_iter().filter_map(|(sign, piece)| Some((pattern.find(sign)?, sign, piece)));
        match found.min_by_key(|(at, _, _)| *at) {
            Some((0, sign, piece)) => {
                pieces.push(piece);
                pattern = &pattern[sign.len()..];
            }
            found => {
                let at = found.map_or(pattern.len(), |(at, _, _)| at);
                pieces.push(Piece::Text(&pattern[..at]));
                pattern = &pattern[at..];
            }
        }
    }
    pieces
}

fn fit<'a>(pieces: &[Piece<'_>], text: &'a str, said: Said<'a>) -> Option<Said<'a>> {
    let Some((piece, pieces)) = pieces.split_first() else { return text.is_empty().then_some(said) };
    let with = |part: &'a str| match piece {
        Piece::Class => Said { class: Some(part), ..said },
        Piece::Group => Said { group: Some(part), ..said },
        Piece::Any | Piece::Text(_) => said,
    };
    if let Piece::Text(expected) = piece {
        return fit(pieces, text.strip_prefix(expected)?, said);
    }
    let ends = text.char_indices().map(|(at, sign)| at + sign.len_utf8());
    let mut ends = ends.take_while(|end| !text[..*end].contains('/'));
    ends.find_map(|end| fit(pieces, &text[end..], with(&text[..end])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_class_and_group() {
        let said = |class, group| Some(Said { class, group });
        for (pattern, path, expected) in [
            ("{group}_{class}.csv", "adamclark_upper_cut.csv", said(Some("upper_cut"), Some("adamclark"))),
            ("{class}_{group}_*.wav", "fsdd/recordings/0_george_12.wav", said(Some("0"), Some("george"))),
            ("recordings/{class}_*.wav", "fsdd/recordings/0_george_12.wav", said(Some("0"), None)),
            ("{class}/*.csv", "a/b/walk/x.csv", said(Some("walk"), None)),
            ("{class}/*.csv", "x.csv", None),
            ("{class}.csv", "a/x.csv", said(Some("x"), None)),
            ("{class}.csv", "x.wav", None),
            ("a{class}b", "ab", None),
            ("{class}-{group}", "é-ü", said(Some("é"), Some("ü"))),
            ("fixed.csv", "d/fixed.csv", said(None, None)),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
