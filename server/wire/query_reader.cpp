#include "server/wire/query_reader.hpp"

#include <algorithm>
#include <charconv>

#include "server/wire/json_reader.hpp"
#include "server/wire/scalars.hpp"
#include "server/wire/xml_writer.hpp"

namespace sagelet::wire {
namespace {

using model::Kind;
using model::Member;
using model::Shape;

api::Error malformed(std::string_view name) {
  return api::Error::make("MalformedInput", "The value of " + std::string(name) + " is not valid", 400);
}

/// Looks names up in the sorted form: a structure is there when a field's name begins with its own and a dot.
class Reader {
 public:
  explicit Reader(const Fields& fields) : fields_(fields) {}

  Reply<Document> structure(const Shape& shape, const std::string& prefix, std::size_t depth) const {
    if (depth > kMaxDepth) return malformed(prefix);
    Document out = Document::object();
    for (const Member& member : shape.members) {
      const std::string name = name_of(member, prefix.empty() ? "" : prefix + ".");
      if (!present(name)) continue;
      TRY(Document read, value(*member.shape, is_flattened(member), name, depth + 1));
      out[std::string(member.name)] = std::move(read);
    }
    return out;
  }

 private:
  /// Clients also name a flattened list as its item.
  std::string name_of(const Member& member, const std::string& prefix) const {
    std::string name = prefix + std::string(member.key());
    const Member* item =
        member.shape->kind == Kind::kList && is_flattened(member) ? member.shape->element : nullptr;
    if (item != nullptr && !item->wire_name.empty() && !present(name))
      name = prefix + std::string(item->wire_name);
    return name;
  }

  Fields::const_iterator at_least(std::string_view name) const {
    return std::ranges::lower_bound(fields_, name, {},
                                    [](const auto& field) { return std::string_view(field.first); });
  }
  const std::string* exact(std::string_view name) const {
    const auto found = at_least(name);
    return found != fields_.end() && found->first == name ? &found->second : nullptr;
  }
  bool within(const std::string& prefix) const {
    const auto found = at_least(prefix + ".");
    return found != fields_.end() && found->first.starts_with(prefix + ".");
  }
  bool present(const std::string& name) const { return exact(name) != nullptr || within(name); }

  /// The numbers N of the fields "<prefix>.N" and "<prefix>.N.more", ascending.
  std::vector<std::size_t> numbers(const std::string& prefix) const {
    std::vector<std::size_t> out;
    const std::string start = prefix + ".";
    for (auto field = at_least(start); field != fields_.end() && field->first.starts_with(start); ++field) {
      std::size_t number = 0;
      const char* first = field->first.data() + start.size();
      const char* last = field->first.data() + field->first.size();
      const auto [end, error] = std::from_chars(first, last, number);
      if (error == std::errc() && (end == last || *end == '.')) out.push_back(number);
    }
    std::ranges::sort(out);
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

  Reply<Document> value(const Shape& shape, bool flattened, const std::string& name,
                        std::size_t depth) const {
    switch (shape.kind) {
      case Kind::kStructure:
        return structure(shape, name, depth);
      case Kind::kList:
        return list(shape, flattened, name, depth);
      case Kind::kMap:
        return map(shape, flattened ? name : name + ".entry", depth);
      default:
        break;
    }
    const std::string* text = exact(name);
    if (text == nullptr || !is_utf8(*text)) return malformed(name);
    auto read = read_scalar(shape, *text);
    if (!read) return malformed(name);
    return std::move(*read);
  }

  Reply<Document> list(const Shape& shape, bool flattened, const std::string& name, std::size_t depth) const {
    if (depth > kMaxDepth) return malformed(name);
    Document out = Document::array();
    const std::string_view item = shape.element->wire_name.empty() ? "member" : shape.element->wire_name;
    const std::string prefix = flattened ? name : name + "." + std::string(item);
    for (const std::size_t number : numbers(prefix)) {
      TRY(Document read, value(*shape.element->shape, is_flattened(*shape.element),
                               prefix + "." + std::to_string(number), depth + 1));
      out.push_back(std::move(read));
    }
    return out;
  }

  Reply<Document> map(const Shape& shape, const std::string& prefix, std::size_t depth) const {
    if (depth > kMaxDepth) return malformed(prefix);
    Document out = Document::object();
    const std::string key_name =
        shape.map_key->wire_name.empty() ? "key" : std::string(shape.map_key->wire_name);
    const std::string value_name =
        shape.element->wire_name.empty() ? "value" : std::string(shape.element->wire_name);
    for (const std::size_t number : numbers(prefix)) {
      const std::string entry = prefix + "." + std::to_string(number) + ".";
      const std::string* key = exact(entry + key_name);
      if (key == nullptr || !is_utf8(*key) || !present(entry + value_name))
        return malformed(entry + key_name);
      TRY(Document read,
          value(*shape.element->shape, is_flattened(*shape.element), entry + value_name, depth + 1));
      out[*key] = std::move(read);
    }
    return out;
  }

  const Fields& fields_;
};

}  // namespace

Reply<Document> read_query(const Shape& shape, Fields fields) {
  std::ranges::stable_sort(fields, {}, &Fields::value_type::first);
  return Reader(fields).structure(shape, "", 1);
}

}  // namespace sagelet::wire
