#include "server/services/sagemaker/request_parts.hpp"

namespace sagelet::sagemaker {

const Document& part(const Document& object, const char* member) {
  static const Document kNothing = Document::object();
  const auto found = object.find(member);
  return found == object.end() ? kNothing : *found;
}

const Document& items(const Document& object, const char* member) {
  static const Document kNoItems = Document::array();
  const auto found = object.find(member);
  return found == object.end() ? kNoItems : *found;
}

std::string text(const Document& object, const char* member, std::string otherwise) {
  const auto found = object.find(member);
  return found == object.end() ? std::move(otherwise) : found->get<std::string>();
}

std::int64_t number(const Document& object, const char* member, std::int64_t otherwise) {
  const auto found = object.find(member);
  return found == object.end() ? otherwise : found->get<std::int64_t>();
}

std::string mode_of(const Document& params, const Document& channel) {
  return text(channel, "InputMode",
              text(part(params, "AlgorithmSpecification"), "TrainingInputMode", "File"));
}

}  // namespace sagelet::sagemaker
