#include "server/wire/xml_writer.hpp"

#include <algorithm>
#include <array>

#include "base/digest.hpp"
#include "server/wire/escaping.hpp"
#include "server/wire/members.hpp"
#include "server/wire/scalars.hpp"

namespace sagelet::wire {
namespace {

using model::Kind;
using model::Member;

constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (unsigned byte = 0x20; byte < 0x7F; ++byte) plain[byte] = true;
  for (const unsigned char c : {'&', '<', '>', '"'}) plain[c] = false;
  plain['\t'] = true;
  return plain;
}();

bool plain(char c) {
  return kPlain[static_cast<unsigned char>(c)];
}

void append_reference(std::string& out, unsigned char byte) {
  constexpr char kHex[] = "0123456789ABCDEF";
  switch (byte) {
    case '&':
      out += "&amp;";
      return;
    case '<':
      out += "&lt;";
      return;
    case '>':
      out += "&gt;";
      return;
    case '"':
      out += "&quot;";
      return;
    default:
      break;
  }
  out += "&#x";
  if (byte >= 16) out += kHex[byte >> 4];
  out += kHex[byte & 15];
  out += ';';
}

bool is_map(const model::Shape* shape) {
  return shape != nullptr && shape->kind == Kind::kMap;
}

std::string_view name_or(const Member* member, std::string_view otherwise) {
  return member != nullptr && !member->wire_name.empty() ? member->wire_name : otherwise;
}

void append_namespace(std::string& out, std::string_view prefix, std::string_view uri) {
  if (uri.empty()) return;
  out += " xmlns";
  if (!prefix.empty()) out.append(":").append(prefix);
  out += "=\"";
  append_xml_text(out, uri);
  out += '"';
}

}  // namespace

void append_xml_text(std::string& out, std::string_view text) {
  append_escaped(out, text, plain, append_reference);
}

void append_xml_element(std::string& out, std::string_view name, std::string_view text) {
  out.append("<").append(name).append(">");
  append_xml_text(out, text);
  out.append("</").append(name).append(">");
}

bool is_flattened(const Member& member) {
  return member.flattened || member.shape->flattened;
}

XmlWriter::XmlWriter(std::string& out, const model::Shape* root, bool tag_open)
    : out_(out), tag_open_(tag_open) {
  frames_.reserve(8);
  frames_.push_back({.shape = root});
}

void XmlWriter::member(std::string_view name) {
  Frame& frame = frames_.back();
  if (is_map(frame.shape)) return begin_entry(frame, name);
  member_ = frame.shape == nullptr ? nullptr : find_next(*frame.shape, name, frame.hint);
  element_ = member_ == nullptr ? name : member_->key();
}

bool XmlWriter::in_list() const {
  const Frame& frame = frames_.back();
  return !frame.item.empty() && !is_map(frame.shape);
}

void XmlWriter::name_item() {
  const Frame& frame = frames_.back();
  member_ = frame.shape == nullptr ? nullptr : frame.shape->element;
  element_ = frame.item;
}

XmlWriter::Frame& XmlWriter::open(std::string_view element) {
  const model::Shape* shape = member_ == nullptr ? nullptr : member_->shape;
  if (!element.empty()) start_tag(element);
  return frames_.emplace_back(Frame{.shape = shape, .element = element});
}

void XmlWriter::begin_structure() {
  if (in_list()) name_item();
  const bool map = member_ != nullptr && is_map(member_->shape);
  const std::string_view name = element_;
  const bool flat = map && is_flattened(*member_);
  Frame& frame = open(flat ? std::string_view() : name);
  if (map) frame.item = flat ? name : "entry";
}

void XmlWriter::begin_list() {
  if (in_list()) name_item();
  const Member* list = member_;
  const std::string_view name = element_;
  const bool flat = list != nullptr && is_flattened(*list);
  Frame& frame = open(flat ? std::string_view() : name);
  frame.item = flat ? name : name_or(list == nullptr ? nullptr : list->shape->element, "member");
}

void XmlWriter::end_structure() {
  Frame& frame = frames_.back();
  if (frame.entry_open) end_entry(frame);
  if (!frame.element.empty()) {
    if (tag_open_) {
      out_ += "/>";
      tag_open_ = false;
    } else {
      out_.append("</").append(frame.element).append(">");
    }
  }
  frames_.pop_back();
}

void XmlWriter::begin_entry(Frame& map, std::string_view key) {
  if (map.entry_open) end_entry(map);
  end_tag();
  out_.append("<").append(map.item).append(">");
  append_xml_element(out_, name_or(map.shape->map_key, "key"), key);
  member_ = map.shape->element;
  element_ = name_or(member_, "value");
  map.entry_open = true;
}

void XmlWriter::end_entry(Frame& map) {
  out_.append("</").append(map.item).append(">");
  map.entry_open = false;
}

void XmlWriter::start_tag(std::string_view element) {
  end_tag();
  out_ += '<';
  out_ += element;
  if (member_ != nullptr) {
    append_namespace(out_, member_->xml_prefix, member_->xml_namespace);
    if (member_->xml_namespace.empty())
      append_namespace(out_, member_->shape->xml_prefix, member_->shape->xml_namespace);
  }
  tag_open_ = true;
}

void XmlWriter::end_tag() {
  if (tag_open_) out_ += '>';
  tag_open_ = false;
}

void XmlWriter::put(std::string_view escaped) {
  if (member_ != nullptr && member_->xml_attribute && tag_open_) {
    out_.append(" ").append(element_).append("=\"").append(escaped).append("\"");
    return;
  }
  start_tag(element_);
  end_tag();
  out_ += escaped;
  out_ += "</";
  out_ += element_;
  out_ += '>';
}

void XmlWriter::text(std::string_view value) {
  if (in_list()) name_item();
  if (member_ != nullptr && member_->shape->kind == Kind::kBlob) return put(to_base64(value));
  if (std::ranges::all_of(value, plain)) return put(value);
  scratch_.clear();
  append_xml_text(scratch_, value);
  put(scratch_);
}

void XmlWriter::integer(std::int64_t value) {
  if (in_list()) name_item();
  scratch_.clear();
  append_integer(scratch_, value);
  put(scratch_);
}

void XmlWriter::real(double value) {
  if (in_list()) name_item();
  scratch_.clear();
  append_real(scratch_, value);
  put(scratch_);
}

void XmlWriter::boolean(bool value) {
  if (in_list()) name_item();
  put(value ? "true" : "false");
}

void XmlWriter::time(WallTime value) {
  if (in_list()) name_item();
  scratch_.clear();
  const auto format = member_ == nullptr ? model::TimeFormat::kIso8601
                                         : time_format(member_, *member_->shape, model::TimeFormat::kIso8601);
  append_time(scratch_, value, format);
  put(scratch_);
}

}  // namespace sagelet::wire
