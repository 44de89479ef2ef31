#include "server/wire/xml_reader.hpp"

#include <cstring>

#include "pugixml.hpp"
#include "server/wire/json_reader.hpp"
#include "server/wire/scalars.hpp"
#include "server/wire/xml_writer.hpp"

namespace sagelet::wire {
namespace {

using model::Kind;
using model::Member;
using model::Shape;

api::Error malformed() {
  return api::Error::make(
      "MalformedXML",
      "The XML you provided was not well-formed or did not validate against our published schema", 400);
}

std::string_view local_name(const char* name) {
  const char* colon = std::strchr(name, ':');
  return colon == nullptr ? name : colon + 1;
}

bool is_element(const pugi::xml_node& node) {
  return node.type() == pugi::node_element;
}

/// All character data of an element; comments inside it do not break it.
std::string text_of(const pugi::xml_node& node) {
  std::string text;
  for (const pugi::xml_node child : node.children()) {
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) text += child.value();
  }
  return text;
}

const Member* member_named(const Shape& shape, std::string_view name) {
  for (const Member& member : shape.members) {
    if (member.location == model::Location::kBody && !member.xml_attribute && member.key() == name) {
      return &member;
    }
  }
  return nullptr;
}

std::string_view name_or(const Member& member, std::string_view otherwise) {
  return member.wire_name.empty() ? otherwise : member.wire_name;
}

class Reader {
 public:
  Reply<Document> structure(const Shape& shape, const pugi::xml_node& node, std::size_t depth) const;

 private:
  Reply<Document> value(const Shape& shape, const pugi::xml_node& node, std::size_t depth) const;
  Reply<Document> list(const Shape& shape, const pugi::xml_node& node, std::size_t depth) const;
  Reply<Document> map(const Shape& shape, const pugi::xml_node& node, std::size_t depth) const;
  Status entry(const Shape& shape, const pugi::xml_node& node, std::size_t depth, Document& into) const;
  Status attributes(const Shape& shape, const pugi::xml_node& node, Document& into) const;
  Status child(const Member& member, const pugi::xml_node& node, std::size_t depth, Document& into) const;
};

Reply<Document> Reader::structure(const Shape& shape, const pugi::xml_node& node, std::size_t depth) const {
  if (depth > kMaxDepth) return malformed();
  Document out = Document::object();
  if (!attributes(shape, node, out)) return malformed();
  for (const pugi::xml_node part : node.children()) {
    if (!is_element(part)) continue;
    const Member* member = member_named(shape, local_name(part.name()));
    if (member == nullptr) continue;
    if (!child(*member, part, depth, out)) return malformed();
  }
  return out;
}

Status Reader::child(const Member& member, const pugi::xml_node& node, std::size_t depth,
                     Document& into) const {
  const Error wrong(ErrorKind::kInvalid, std::string(member.name));
  Document& slot = into[std::string(member.name)];
  if (is_flattened(member) && member.shape->kind == Kind::kList) {
    if (!slot.is_array()) slot = Document::array();
    auto item = value(*member.shape->element->shape, node, depth + 1);
    if (!item) return wrong;
    slot.push_back(std::move(*item));
    return {};
  }
  if (is_flattened(member) && member.shape->kind == Kind::kMap) {
    if (!slot.is_object()) slot = Document::object();
    return entry(*member.shape, node, depth, slot);
  }
  auto read = value(*member.shape, node, depth + 1);
  if (!read) return wrong;
  slot = std::move(*read);
  return {};
}

Status Reader::attributes(const Shape& shape, const pugi::xml_node& node, Document& into) const {
  for (const Member& member : shape.members) {
    if (!member.xml_attribute) continue;
    const pugi::xml_attribute found = node.attribute(std::string(member.key()).c_str());
    if (!found) continue;
    auto read = read_scalar(*member.shape, found.value());
    if (!read) return Error(ErrorKind::kInvalid, std::string(member.name));
    into[std::string(member.name)] = std::move(*read);
  }
  return {};
}

Reply<Document> Reader::value(const Shape& shape, const pugi::xml_node& node, std::size_t depth) const {
  switch (shape.kind) {
    case Kind::kStructure:
      return structure(shape, node, depth);
    case Kind::kList:
      return list(shape, node, depth);
    case Kind::kMap:
      return map(shape, node, depth);
    default:
      break;
  }
  auto read = read_scalar(shape, text_of(node));
  if (!read) return malformed();
  return std::move(*read);
}

Reply<Document> Reader::list(const Shape& shape, const pugi::xml_node& node, std::size_t depth) const {
  if (depth > kMaxDepth) return malformed();
  Document out = Document::array();
  const std::string_view item = name_or(*shape.element, "member");
  for (const pugi::xml_node part : node.children()) {
    if (!is_element(part) || local_name(part.name()) != item) continue;
    TRY(Document read, value(*shape.element->shape, part, depth + 1));
    out.push_back(std::move(read));
  }
  return out;
}

Reply<Document> Reader::map(const Shape& shape, const pugi::xml_node& node, std::size_t depth) const {
  if (depth > kMaxDepth) return malformed();
  Document out = Document::object();
  for (const pugi::xml_node part : node.children()) {
    if (is_element(part) && !entry(shape, part, depth, out)) return malformed();
  }
  return out;
}

Status Reader::entry(const Shape& shape, const pugi::xml_node& node, std::size_t depth,
                     Document& into) const {
  std::string key;
  pugi::xml_node found;
  for (const pugi::xml_node part : node.children()) {
    if (!is_element(part)) continue;
    if (local_name(part.name()) == name_or(*shape.map_key, "key")) key = text_of(part);
    if (local_name(part.name()) == name_or(*shape.element, "value")) found = part;
  }
  auto read = found ? value(*shape.element->shape, found, depth + 1) : Reply<Document>(malformed());
  if (!read) return Error(ErrorKind::kInvalid, key);
  into[key] = std::move(*read);
  return {};
}

}  // namespace

Reply<Document> read_xml(const Shape& shape, std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return Document::object();
  if (text.size() > kMaxXmlBytes) return malformed();
  pugi::xml_document document;
  constexpr unsigned kHow = pugi::parse_default | pugi::parse_doctype | pugi::parse_ws_pcdata_single;
  if (!document.load_buffer(text.data(), text.size(), kHow)) return malformed();
  pugi::xml_node root;
  for (const pugi::xml_node node : document.children()) {
    if (node.type() == pugi::node_doctype) return malformed();
    if (!is_element(node)) continue;
    if (root) return malformed();  // one root, no more
    root = node;
  }
  if (!root) return malformed();
  return Reader().structure(shape, root, 1);
}

}  // namespace sagelet::wire
