use std::fmt;

/// What went wrong in a group of processes, for the person who started them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    message: String,
    help: Option<String>,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Error {
        Error { message: message.into(), help: None }
    }

    pub(crate) fn with_help(self, help: impl Into<String>) -> Error {
        Error { help: Some(help.into()), ..self }
    }

    /// What happened, and to which ranks; one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What would help, if that is known; one line.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// `rank 1`, `ranks 1 and 3`, `ranks 1, 2 and 3`.
pub(crate) fn ranks(ranks: &[usize]) -> String {
    let names: Vec<String> = ranks.iter().map(usize::to_string).collect();
    match names.as_slice() {
        [] => "no rank".into(),
        [one] => format!("rank {one}"),
        [first @ .., last] => format!("ranks {} and {last}", first.join(", ")),
    }
}

/// What c10d and gloo say first: places in their sources, and advice that is none, are left out.
pub(crate) fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default().trim();
    let line = match line.split_once("] ") {
        Some((place, rest)) if place.starts_with('[') && place.contains(".cc:") => rest,
        _ => line,
    };
    let end = line.find(". ").unwrap_or(line.len());
    line[..end].trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_listed_as_people_do() {
        assert_eq!(ranks(&[4]), "rank 4");
        assert_eq!(ranks(&[1, 3]), "ranks 1 and 3");
        assert_eq!(ranks(&[0, 1, 3]), "ranks 0, 1 and 3");
    }

    #[test]
    fn help_stands_behind_the_message() {
        let error = Error::new("rank 1 has ended");
        assert_eq!(error.to_string(), "rank 1 has ended");
        assert_eq!(error.with_help("start it again").to_string(), "rank 1 has ended; start it again");
    }

    #[test]
    fn what_gloo_says_is_shortened() {
        let text = "[../third_party/gloo/gloo/transport/tcp/pair.cc:547] Read error [127.0.0.1]:1216: \
                    Connection reset by peer. This may indicate that a remote worker has died. GLHF!\nmore";
        assert_eq!(first_line(text), "Read error [127.0.0.1]:1216: Connection reset by peer");
        assert_eq!(first_line("Operation timed out!"), "Operation timed out!");
        assert_eq!(first_line(""), "");
    }
}
