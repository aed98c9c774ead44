//! Errors for a terminal, with the source they are about.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use mixq_build::engine::error::{Error, Problem};

/// Prints every problem to stderr, in colour on a terminal.
pub fn print(error: &Error) {
    for problem in &error.problems {
        anstream::eprintln!("{}\n", render(problem));
    }
}

fn render(problem: &Problem) -> String {
    let title = Level::ERROR.primary_title(&*problem.message);
    let path = problem.location.as_ref().map(|at| at.path.display().to_string()).unwrap_or_default();
    let mut group = match &problem.location {
        None => annotate_snippets::Group::with_title(title),
        Some(at) => {
            let annotation = AnnotationKind::Primary.span(at.span.clone());
            title.element(Snippet::source(&*at.source).path(path).annotation(annotation))
        }
    };
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(&**help));
    }
    Renderer::styled().render(&[group])
}
