package dev.come;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/** Real data and models, which lie beside the project on some machines only. */
public final class SharedData {
    private SharedData() {
    }

    /** The file or folder of that name under {@code ../shared}; without it the calling test is skipped and says so. */
    public static Path path(String name) {
        Path path = Path.of(System.getProperty("come.root"), "..", "shared").resolve(name).normalize();
        if (!Files.exists(path)) {
            System.out.println("skipped: ../shared/" + name + " is not there");
        }
        assumeTrue(Files.exists(path), () -> "../shared/" + name + " is not there");
        return path;
    }
}
