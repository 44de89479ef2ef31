#include "server/wire/bindings.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "server/wire/form.hpp"
#include "server/wire/scalars.hpp"

namespace sagelet::wire {
namespace {

using model::Kind;
using model::Location;
using model::Member;
using model::Shape;
using model::TimeFormat;

class Binder {
 public:
  Binder(const Match& match, const http::Head& head, std::string_view target, std::string_view code)
      : match_(match), head_(head), query_(read_form(query_of(target))), code_(code) {
    for (const http::Header& header : head.headers) lengths_ |= length_bit(header.name);
  }

  Reply<Document> run() {
    const Shape* input = match_.operation->input;
    if (input != nullptr) {
      for (const Member& member : input->members) TRY(bind(member));
    }
    return std::move(out_);
  }

 private:
  Reply<void> bind(const Member& member) {
    switch (member.location) {
      case Location::kUri:
        return label(member);
      case Location::kQuery:
        return query(member);
      case Location::kHeader:
        return header(member);
      case Location::kHeaders:
        return prefixed_headers(member);
      default:
        return {};
    }
  }

  Reply<void> label(const Member& member) {
    for (const auto& [name, value] : match_.labels) {
      if (name == member.key()) return put(member, value);
    }
    return {};
  }

  Reply<void> query(const Member& member) {
    if (query_.empty()) return {};
    if (member.shape->kind == Kind::kMap) return query_map(member);
    Document list = Document::array();
    for (const auto& [name, value] : query_) {
      if (name != member.key()) continue;
      if (member.shape->kind != Kind::kList) return put(member, value);
      TRY(Document item, scalar(member, *member.shape->element->shape, value));
      list.push_back(std::move(item));
    }
    if (!list.empty()) out_[std::string(member.name)] = std::move(list);
    return {};
  }

  /// Every query parameter that no other member takes.
  Reply<void> query_map(const Member& member) {
    const auto taken = [this, &member](std::string_view name) {
      return std::ranges::any_of(match_.operation->input->members, [&](const Member& other) {
        return other.location == Location::kQuery && &other != &member && other.key() == name;
      });
    };
    const Shape& value_shape = *member.shape->element->shape;
    Document map = Document::object();
    for (const auto& [name, value] : query_) {
      if (taken(name)) continue;
      if (value_shape.kind == Kind::kList) {
        map[name].push_back(value);
      } else {
        map.emplace(name, value);
      }
    }
    if (!map.empty()) out_[std::string(member.name)] = std::move(map);
    return {};
  }

  /// Most members of most requests are not there: few names are as long as one that is.
  static std::uint64_t length_bit(std::string_view name) { return 1ull << (name.size() & 63); }

  Reply<void> header(const Member& member) {
    if ((lengths_ & length_bit(member.key())) == 0) return {};
    const auto value = head_.headers.find(member.key());
    if (!value) return {};
    if (member.shape->kind == Kind::kList) return header_list(member);
    if (member.json_value) {
      std::string json;
      if (!from_base64(*value, json)) return wrong(member);
      out_[std::string(member.name)] = std::move(json);
      return {};
    }
    // An HTTP date that cannot be read counts as absent (RFC 9110 13.1.3).
    const bool http_date =
        member.shape->kind == Kind::kTimestamp &&
        time_format(&member, *member.shape, TimeFormat::kHttpDate) == TimeFormat::kHttpDate;
    if (http_date && !read_scalar(*member.shape, *value)) return {};
    return put(member, *value);
  }

  Reply<void> header_list(const Member& member) {
    Document list = Document::array();
    const Shape& item_shape = *member.shape->element->shape;
    const std::string joined = head_.headers.joined(member.key());
    const bool dates =
        item_shape.kind == Kind::kTimestamp &&
        time_format(member.shape->element, item_shape, TimeFormat::kHttpDate) == TimeFormat::kHttpDate;
    for (const std::string& item : split(joined, dates)) {
      TRY(Document read, scalar(member, item_shape, item));
      list.push_back(std::move(read));
    }
    out_[std::string(member.name)] = std::move(list);
    return {};
  }

  /// x-amz-meta-*: a prefix that the model writes in lower case lowers the names, as S3 does.
  Reply<void> prefixed_headers(const Member& member) {
    const std::string_view prefix = member.wire_name;
    const bool lower =
        std::none_of(prefix.begin(), prefix.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    Document map = Document::object();
    for (const http::Header& header : head_.headers) {
      const std::string_view name = header.name;
      if (name.size() < prefix.size() || !http::same_name(name.substr(0, prefix.size()), prefix)) continue;
      std::string key(name.substr(prefix.size()));
      if (lower) std::transform(key.begin(), key.end(), key.begin(), [](char c) { return lowered(c); });
      Document& slot = map[key];
      slot = slot.is_string() ? slot.get<std::string>() + "," + header.value : header.value;
    }
    if (!map.empty()) out_[std::string(member.name)] = std::move(map);
    return {};
  }

  static char lowered(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

  /// Items between commas, quoted ones without their quotes; a date has a comma of its own.
  static std::vector<std::string> split(std::string_view text, bool dates);

  Reply<Document> scalar(const Member& member, const Shape& shape, std::string_view text) const {
    auto read = read_scalar(shape, text);
    if (!read) return wrong(member).error();
    return std::move(*read);
  }

  Reply<void> put(const Member& member, std::string_view text) {
    if (member.shape->kind == Kind::kString) {
      out_.emplace(member.name, text);
      return {};
    }
    TRY(Document read, scalar(member, *member.shape, text));
    out_[std::string(member.name)] = std::move(read);
    return {};
  }

  Reply<void> wrong(const Member& member) const {
    auto error = api::Error::make(std::string(code_),
                                  "Provided value for " + std::string(member.key()) + " is not valid", 400);
    if (code_ == "InvalidArgument") error.members = {{"ArgumentName", std::string(member.key())}};
    return error;
  }

  const Match& match_;
  const http::Head& head_;
  const Fields query_;
  const std::string_view code_;
  std::uint64_t lengths_ = 0;  ///< of the fields' names, a bit each
  Document out_ = Document::object();
};

std::vector<std::string> Binder::split(std::string_view text, bool dates) {
  std::vector<std::string> items;
  std::string item;
  bool quoted = false, was_quoted = false;
  int commas = 0;
  const auto flush = [&] {
    const auto first = item.find_first_not_of(" \t");
    if (first == std::string::npos && !was_quoted) item.clear();
    if (first != std::string::npos && !was_quoted)
      item = item.substr(first, item.find_last_not_of(" \t") - first + 1);
    items.push_back(std::move(item));
    item.clear();
    was_quoted = false;
    commas = 0;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\' && i + 1 < text.size()) {
      item += text[++i];
    } else if (c == '"' && (quoted || item.find_first_not_of(" \t") == std::string::npos)) {
      if (!quoted) item.clear();
      quoted = !quoted;
      was_quoted = true;
    } else if (c == ',' && !quoted && !(dates && commas++ == 0)) {
      flush();
    } else if (!(was_quoted && !quoted && (c == ' ' || c == '\t'))) {
      item += c;
    }
  }
  if (!text.empty()) flush();
  return items;
}

std::string quoted_if_needed(std::string text) {
  if (text.find_first_of(",\"") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string header_text(const Member& member, const Document& value) {
  if (member.shape->kind != Kind::kList) {
    const std::string text =
        scalar_text(value, *member.shape, time_format(&member, *member.shape, TimeFormat::kHttpDate));
    return member.json_value ? to_base64(text) : text;
  }
  std::string out;
  const Shape& item = *member.shape->element->shape;
  for (const Document& part : value) {
    if (!out.empty()) out += ", ";
    const std::string text =
        scalar_text(part, item, time_format(member.shape->element, item, TimeFormat::kHttpDate));
    out += item.kind == Kind::kString ? quoted_if_needed(text) : text;
  }
  return out;
}

/// A value may hold what a client once sent; a header must stay one line.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return text;
}

void write_prefixed(const Member& member, const Document& value, http::Response& response) {
  if (!value.is_object()) return;
  for (const auto& [name, text] : value.items()) {
    if (text.is_string())
      response.headers.add(one_line(std::string(member.wire_name) + name), one_line(text.get<std::string>()));
  }
}

}  // namespace

Reply<Document> read_bound(const Match& match, const http::Head& head, std::string_view target,
                           std::string_view code) {
  return Binder(match, head, target, code).run();
}

bool has_body_members(const Shape& shape) {
  return std::any_of(shape.members.begin(), shape.members.end(),
                     [](const Member& member) { return member.location == Location::kBody; });
}

void write_bound(const model::Operation& operation, const Document& fields, http::Response& response) {
  if (operation.output == nullptr || !fields.is_object()) return;
  for (const auto& [name, value] : fields.items()) {  // few of what may be there
    const Member* const member = operation.output->find(name);
    if (member == nullptr || value.is_null()) continue;
    if (member->location == Location::kHeaders) {
      write_prefixed(*member, value, response);
    } else if (member->location == Location::kHeader) {
      response.headers.add(std::string(member->key()), one_line(header_text(*member, value)));
    } else if (member->location == Location::kStatusCode && value.is_number()) {
      response.status = value.get<int>();
    }
  }
}

}  // namespace sagelet::wire
