//! The XML that the Route 53 API needs: documents of elements and text.
//!
//! A tree of a few lines over quick-xml's reader, because that adds 23 KB to the
//! component where quick-xml's deserializer adds 134 KB and roxmltree 51 KB.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

pub(crate) use quick_xml::escape::partial_escape;

/// An element, with its text joined and its name without prefix.
#[derive(Debug, Default)]
pub(crate) struct Element {
    name: String,
    text: String,
    children: Vec<Self>,
}

impl Element {
    /// The root of a complete document; `None` for anything else, such as a
    /// truncated document or an HTML page.
    pub(crate) fn parse(document: &str) -> Option<Self> {
        let mut reader = Reader::from_str(document);
        // The document itself, then the elements that are open.
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) if open.len() <= MAX_DEPTH => open.push(Self::named(&start)),
                Event::Start(_) => return None,
                Event::Empty(start) => open.last_mut()?.children.push(Self::named(&start)),
                Event::End(_) => {
                    let closed = open.pop()?;
                    open.last_mut()?.children.push(closed);
                }
                Event::Text(text) => {
                    open.last_mut()?.text.push_str(&text.xml_content(XmlVersion::Implicit1_0).ok()?);
                }
                Event::CData(text) => {
                    open.last_mut()?.text.push_str(&text.xml_content(XmlVersion::Implicit1_0).ok()?);
                }
                Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
                    Some(character) => open.last_mut()?.text.push(character),
                    None => open.last_mut()?.text.push_str(resolve_predefined_entity(&reference.decode().ok()?)?),
                },
                Event::Eof => break,
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
        match (open.pop(), open.is_empty()) {
            (Some(mut document), true) if document.children.len() == 1 => document.children.pop(),
            _ => None,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The elements of that name directly below.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first element at a path below, such as `Config/PrivateZone`.
    pub(crate) fn at<'a>(&'a self, path: &'a str) -> Option<&'a Self> {
        path.split('/').try_fold(self, |element, name| element.all(name).next())
    }

    /// The text at a path below.
    pub(crate) fn text_at<'a>(&'a self, path: &'a str) -> Option<&'a str> {
        self.at(path).map(Self::text)
    }

    fn named(start: &BytesStart<'_>) -> Self {
        Self { name: String::from_utf8_lossy(start.local_name().as_ref()).into_owned(), ..Self::default() }
    }
}

/// The API's answers nest seven deep.
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::Element;

    #[test]
    fn reads_elements_text_and_references() {
        let document = "<?xml version=\"1.0\"?>\n<a:R xmlns:a=\"x\"><B><C>1 &lt;&amp;&#34;</C><C/><C><![CDATA[<2>]]></C></B></a:R>\n";
        let root = Element::parse(document).unwrap();
        assert_eq!(root.name(), "R");
        let texts: Vec<_> = root.at("B").unwrap().all("C").map(Element::text).collect();
        assert_eq!(texts, ["1 <&\"", "", "<2>"]);
        assert_eq!(root.text_at("B/C"), Some("1 <&\""));
        assert!(root.text_at("B/D").is_none());
    }

    #[test]
    fn what_is_no_whole_document_is_none() {
        for document in ["", "text", "<R>", "<R><A></R>", "<R/><R/>", "<R>&unknown;</R>", "{\"a\": 1}"] {
            assert!(Element::parse(document).is_none(), "{document}");
        }
        let deep = 1_000;
        assert!(Element::parse(&format!("{}{}", "<a>".repeat(deep), "</a>".repeat(deep))).is_none());
    }
}
