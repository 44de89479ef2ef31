#pragma once
// Do two messages say the same? Each gives "" or where they differ.
#include <string>
#include <string_view>

#include "nlohmann/json_fwd.hpp"
#include "server/http/message.hpp"
#include "server/model/shapes.hpp"

namespace sagelet::golden {

/// A vector's parameters against what we parsed. Blobs are UTF-8 text and special floats are named in
/// vectors.
std::string compare_params(const model::Shape& shape, const nlohmann::json& expected,
                           const nlohmann::json& ours);

/// The vector's parameters as a Document.
nlohmann::json document_of(const model::Shape& shape, const nlohmann::json& params);

/// Bodies by shape; what the vector has beyond the model is passed over (a client ignores it).
std::string compare_json(const model::Shape* shape, const nlohmann::json& expected,
                         const nlohmann::json& ours);
/// Element trees, without the root's name, namespaces and order among differently named elements.
std::string compare_xml(std::string_view expected, std::string_view ours);

/// Equal, or the same number or the same moment.
bool same_text(std::string_view a, std::string_view b);

}  // namespace sagelet::golden
