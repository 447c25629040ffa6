# SPDX-License-Identifier: BSL-1.0
"""The recipe for Conan 2: conan create packaging/conan --build=missing [-o "sluice/*:https=False"]"""
import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy
from conan.tools.layout import basic_layout
from conan.tools.scm import Version

required_conan_version = ">=2.0"


class SluiceConan(ConanFile):
    name = "sluice"
    version = "0.1.0"
    description = "HTTP servers and clients for C++20 coroutines, with the API of Node"
    license = "BSL-1.0"
    topics = ("http", "https", "coroutines", "asio", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"https": [True, False], "compress": [True, False]}
    default_options = {"https": True, "compress": False, "boost/*:header_only": True}
    no_copy_source = True

    @property
    def _oldest_compilers(self):
        return {"gcc": "12", "clang": "16", "apple-clang": "15", "msvc": "193"}

    def export_sources(self):
        tree = os.path.join(self.recipe_folder, "..", "..")
        copy(self, "include/*", tree, self.export_sources_folder)
        copy(self, "LICENSE", tree, self.export_sources_folder)

    def layout(self):
        basic_layout(self)

    def requirements(self):
        self.requires("boost/[>=1.81.0 <2]", transitive_headers=True)
        if self.options.https:
            self.requires("openssl/[>=3 <4]", transitive_headers=True)
        if self.options.compress:
            self.requires("zlib/[>=1.2.11 <2]", transitive_headers=True)
            self.requires("brotli/[>=1.0 <2]", transitive_headers=True)
            self.requires("zstd/[>=1.4 <2]", transitive_headers=True)

    def package_id(self):
        # Headers are the same for every compiler and machine, but not the libraries that they need.
        self.info.settings.clear()

    def validate(self):
        if self.settings.get_safe("compiler.cppstd"):
            check_min_cppstd(self, 20)
        oldest = self._oldest_compilers.get(str(self.settings.compiler))
        if oldest and Version(self.settings.compiler.version) < oldest:
            raise ConanInvalidConfiguration(f"sluice needs {self.settings.compiler} {oldest} or newer")

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "*", os.path.join(self.source_folder, "include"), os.path.join(self.package_folder, "include"))

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "sluice")
        core = self._component("core", "sluice::sluice", "sluice", ["boost::headers"])
        if self.settings.os in ("Linux", "FreeBSD"):
            core.system_libs = ["pthread"]
        elif self.settings.os == "Windows":
            core.system_libs = ["ws2_32", "mswsock"]
            core.defines = ["_WIN32_WINNT=0x0A00"]
            if self.settings.compiler == "gcc":
                # <sluice/config.hpp> says why.
                core.defines.append("BOOST_ASIO_HAS_PTHREADS")
        if self.options.https:
            self._component("https", "sluice::https", "sluice-https", ["core", "openssl::openssl"])
        if self.options.compress:
            needs = ["core", "zlib::zlib", "brotli::brotli", "zstd::zstd"]
            self._component("compress", "sluice::compress", "sluice-compress", needs).defines = [
                "SLUICE_BROTLI",
                "SLUICE_ZSTD",
            ]
        if self.options.https and self.options.compress:
            self._component("fetch", "sluice::fetch", "sluice-fetch", ["https", "compress"])

    def _component(self, name, target, package, needs):
        component = self.cpp_info.components[name]
        component.set_property("cmake_target_name", target)
        component.set_property("pkg_config_name", package)
        component.requires = needs
        component.bindirs, component.libdirs = [], []
        return component
