package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EngineTests {
    private static final String FOLDER = "org.bytedeco.javacpp.cachedir";

    @TempDir
    private Path folder;
    private String before;

    @BeforeEach
    void unpackElsewhere() throws IOException {
        before = Loader.getCacheDir().toString();
        System.setProperty(FOLDER, folder.toString());
    }

    @AfterEach
    void unpackAsBefore() {
        System.setProperty(FOLDER, before);
    }

    @Test
    void theFirstUseSaysWhatIsUnpackedWhereAndHowLargeItIs() {
        assertThat(Engine.firstUse()).hasValue("Unpacking the tensor engine, about 450 MB, into " + folder
                + "; this happens once.");
    }

    @Test
    void aLaterUseSaysNothing() throws IOException {
        String jar = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(path -> Path.of(path).getFileName().toString())
                .filter(name -> name.matches("pytorch-.*-" + Loader.getPlatform() + ".*\\.jar")).findFirst()
                .orElseThrow();
        Files.createDirectories(folder.resolve(jar));
        assertThat(Engine.firstUse()).isEmpty();
    }
}
