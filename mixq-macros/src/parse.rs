//! The argument of `include_model!`.

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{LitStr, Visibility};

/// `digits` or `pub digits`.
pub struct Model {
    /// Of the module.
    pub visibility: Visibility,
    /// Of the model and of the module.
    pub name: Ident,
}

impl Model {
    /// The name of its file without `.mixq`.
    pub fn file_stem(&self) -> String {
        self.name.unraw().to_string()
    }
}

/// Reads the argument.
///
/// # Errors
/// At the token that is wrong, with what would be right.
pub fn model(input: TokenStream) -> syn::Result<Model> {
    syn::parse2(input)
}

impl Parse for Model {
    fn parse(input: ParseStream<'_>) -> syn::Result<Model> {
        if input.is_empty() {
            let missing = "the name of a model is missing: `include_model!(digits)`";
            return Err(syn::Error::new(Span::call_site(), missing));
        }
        let visibility = input.parse()?;
        if let Ok(quoted) = input.fork().parse::<LitStr>() {
            let name = quoted.value();
            return Err(input.error(format!("a model is named without quotes: `include_model!({name})`")));
        }
        let name = input.parse::<Ident>().map_err(|e| {
            syn::Error::new(e.span(), "expected the name of a model: `include_model!(digits)`")
        })?;
        if !input.is_empty() {
            return Err(input.error("`include_model!` takes one model; write it once for each"));
        }
        Ok(Model { visibility, name })
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn error(input: TokenStream) -> String {
        model(input).err().unwrap().to_string()
    }

    #[test]
    fn a_name_alone_is_private() {
        let model = model(quote!(digits)).unwrap();
        assert_eq!(model.file_stem(), "digits");
        assert!(matches!(model.visibility, Visibility::Inherited));
    }

    #[test]
    fn a_visibility_may_stand_before_it() {
        assert!(matches!(model(quote!(pub digits)).unwrap().visibility, Visibility::Public(_)));
        assert!(matches!(model(quote!(pub(crate) digits)).unwrap().visibility, Visibility::Restricted(_)));
    }

    #[test]
    fn a_raw_name_is_a_plain_file() {
        assert_eq!(model(quote!(r#loop)).unwrap().file_stem(), "loop");
    }

    #[test]
    fn wrong_arguments_say_what_is_right() {
        assert!(error(quote!()).contains("is missing: `include_model!(digits)`"));
        assert!(error(quote!(pub)).contains("expected the name of a model"));
        assert!(error(quote!("digits")).contains("without quotes: `include_model!(digits)`"));
        assert!(error(quote!(pub "digits")).contains("without quotes"));
        assert!(error(quote!(digits, faces)).contains("takes one model"));
        assert!(error(quote!(7)).contains("expected the name of a model"));
        assert!(error(quote!(loop)).contains("expected the name of a model"));
    }
}
