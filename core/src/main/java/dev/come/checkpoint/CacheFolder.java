package dev.come.checkpoint;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** Where what can be made again is kept from one run to the next. */
public final class CacheFolder {
    private CacheFolder() {
    }

    /**
     * The folder: come in $XDG_CACHE_HOME, which must be an absolute path to count, or else in ~/.cache (XDG base directory
     * specification).
     */
    public static Path of(Map<String, String> environment, Path home) {
        return Optional.ofNullable(environment.get("XDG_CACHE_HOME")).map(Path::of).filter(Path::isAbsolute)
                .orElseGet(() -> home.resolve(".cache")).resolve("come");
    }
}
