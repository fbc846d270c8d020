package dev.come.job;

import dev.come.Progress;
import dev.come.checkpoint.CacheFolder;
import dev.come.gguf.GgufImport;
import dev.come.hub.Hub;
import dev.come.hub.HubSettings;
import java.nio.file.Path;
import java.util.Map;

/**
 * What the environment variables say: where the hub and the caches are.
 *
 * @param variables by their names, as {@link System#getenv()} gives them
 */
public record Surroundings(Map<String, String> variables) {
    public Surroundings {
        variables = Map.copyOf(variables);
    }

    /** Those of this process. */
    public static Surroundings ofProcess() {
        return new Surroundings(System.getenv());
    }

    /** The user's home folder. */
    public Path home() {
        return Path.of(variables.getOrDefault("HOME", System.getProperty("user.home")));
    }

    /** Where the hub is and who asks. */
    public HubSettings hubSettings() {
        return HubSettings.of(variables, home());
    }

    /** The hub, which tells of what it fetches. */
    public Hub hub(Progress progress) {
        return new Hub(hubSettings(), progress);
    }

    /** Where is kept what was sent to the hub by uploads that did not end. */
    public Path uploads() {
        return CacheFolder.of(variables, home()).resolve("uploads");
    }

    /** Where GGUF files are unpacked to. */
    public Path ggufCache() {
        return GgufImport.cache(variables, home());
    }
}
