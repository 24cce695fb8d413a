// Part of a stand-in: see its README.md.
#pragma once

#include <cstdarg>
#include <cstddef>

extern "C" void DebugLog(const char* format, va_list arguments);
extern "C" int DebugVsnprintf(char* buffer, size_t size, const char* format, va_list arguments);
