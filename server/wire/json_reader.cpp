#include "server/wire/json_reader.hpp"

#include "server/wire/shape_builder.hpp"

namespace sagelet::wire {

Reply<Document> read_json(const model::Shape& shape, std::string_view text, bool body_only) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return Document::object();
  ShapeBuilder builder(shape, body_only);
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return builder.result();
}

}  // namespace sagelet::wire
