package dev.come;

import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.library.Architectures.LayeredArchitecture;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Holds the picture in ARCHITECTURE.md. */
class ArchitectureTests {
    private static final String ROOT = "dev.come";

    /** The rooms in the order in which data flows; {@code dev.come} itself, under all of them, knows none. */
    private static final List<String> ROOMS = List.of("failure", "memory", "checkpoint", "vocabulary", "gguf", "hub",
            "model", "stack",
            "text",
            "run", "calibration", "prune", "heal", "evaluate", "distill", "report", "job", "demo", "api");

    @Test
    void aRoomUsesOnlyRoomsBeforeIt() {
        JavaClasses classes = new ClassFileImporter().withImportOption(new DoNotIncludeTests())
                .importPackages("dev.come");
        LayeredArchitecture architecture = layeredArchitecture().consideringOnlyDependenciesInLayers()
                .withOptionalLayers(true).layer(ROOT).definedBy("dev.come").whereLayer(ROOT).mayNotAccessAnyLayer();
        List<String> before = new ArrayList<>(List.of(ROOT));
        for (String room : ROOMS) {
            architecture = architecture.layer(room).definedBy("dev.come." + room + "..")
                    .whereLayer(room).mayOnlyAccessLayers(before.toArray(String[]::new));
            before.add(room);
        }
        architecture.check(classes);
    }
}
