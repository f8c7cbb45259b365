// Reads what a host needs of an export's model.json.

#ifndef DDSP_TF_DESCRIPTION_H_
#define DDSP_TF_DESCRIPTION_H_

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace ddsp {

// A JSON object, of which only the values of its own keys are read.
class Description {
 public:
  static Description read(const std::string &path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error(path + ": cannot be read");
    std::stringstream text;
    text << file.rdbuf();
    return Description(path, text.str());
  }

  double number(const std::string &key) const {
    const std::string text = value(key);
    char *end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    if (end == text.c_str()) throw std::runtime_error(path_ + ": " + key + " is not a number");
    return number;
  }

  Description object(const std::string &key) const { return Description(path_, value(key)); }

  // Numbers of a list; none if the value is null.
  std::vector<float> numbers(const std::string &key) const {
    std::vector<float> found;
    const std::string text = value(key);
    const char *at = text.c_str() + (text[0] == '[');
    char *end = nullptr;
    for (float number = std::strtof(at, &end); end != at; number = std::strtof(at, &end)) {
      found.push_back(number);
      at = end;
      while (*at == ',' || *at == ' ' || *at == '\n') at++;
    }
    return found;
  }

  std::vector<std::string> texts(const std::string &key) const {
    std::vector<std::string> found;
    const std::string text = value(key);
    for (size_t at = text.find('"'); at != std::string::npos; at = text.find('"', at + 1)) {
      const size_t end = text.find('"', at + 1);
      if (end == std::string::npos) break;
      found.push_back(text.substr(at + 1, end - at - 1));
      at = end;
    }
    return found;
  }

 private:
  Description(const std::string &path, const std::string &text) : path_(path), text_(text) {}

  // The text of the value of a key of the outermost object, up to the next key.
  std::string value(const std::string &key) const {
    int depth = 0;
    size_t begin = std::string::npos;
    for (size_t at = 0; at < text_.size(); at++) {
      const char sign = text_[at];
      if (sign == '{' || sign == '[') depth++;
      if (sign == '}' || sign == ']') depth--;
      if (begin != std::string::npos && (depth == 0 || (depth == 1 && sign == ','))) {
        return text_.substr(begin, at - begin);
      }
      if (sign != '"') continue;
      size_t end = at + 1;
      while (end < text_.size() && text_[end] != '"') end += 1 + (text_[end] == '\\');
      const bool is_key = depth == 1 && text_.compare(at + 1, end - at - 1, key) == 0;
      at = end;
      if (is_key && begin == std::string::npos && at + 1 < text_.size() && text_[at + 1] == ':') {
        begin = text_.find_first_not_of(" \n", at + 2);
        at = begin - 1;
      }
    }
    throw std::runtime_error(path_ + ": lacks " + key);
  }

  std::string path_, text_;
};

}  // namespace ddsp

#endif
