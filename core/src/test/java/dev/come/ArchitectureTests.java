package dev.come;

import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.library.Architectures.LayeredArchitecture;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Holds the picture in ARCHITECTURE.md. */
class ArchitectureTests {
    private static final String ROOT = "dev.come";

    /**
     * The rooms in the order in which data flows, each with the rooms that it uses; {@code dev.come} itself, under all of
     * them, uses none. Evaluation and distillation run layers, but measure nothing that pruning asks for.
     */
    private static final String PICTURE = """
            failure
            memory
            checkpoint  failure memory
            vocabulary  failure checkpoint
            gguf        failure checkpoint vocabulary
            hub         failure checkpoint
            chat        vocabulary
            model       failure memory checkpoint
            export      checkpoint vocabulary gguf model
            stack       memory checkpoint model
            text        failure memory checkpoint vocabulary hub chat model
            run         failure memory checkpoint model stack text
            generate    checkpoint model text
            calibration failure memory checkpoint model stack text run
            prune       failure checkpoint model stack text calibration
            heal        failure memory checkpoint model stack text run calibration prune
            evaluate    failure checkpoint vocabulary hub model stack text run generate
            distill     failure memory checkpoint model stack text run prune
            overlap
            report      failure checkpoint stack prune
            job         failure checkpoint vocabulary gguf hub chat model export stack text run generate calibration prune heal evaluate distill overlap report
            demo        memory checkpoint model text prune
            api         failure checkpoint vocabulary hub model stack text generate calibration prune heal evaluate distill report job demo
            """;

    @Test
    void aRoomUsesOnlyTheRoomsThatThePictureDrawsAnArrowTo() {
        JavaClasses classes = new ClassFileImporter().withImportOption(new DoNotIncludeTests())
                .importPackages("dev.come");
        Map<String, Set<String>> usedBy = new LinkedHashMap<>();
        List<String> before = new ArrayList<>();
        for (String line : PICTURE.lines().toList()) {
            List<String> words = List.of(line.split("\\s+"));
            assertThat(before).as("arrows go downwards only: %s", line).containsAll(words.subList(1, words.size()));
            before.add(words.getFirst());
            usedBy.put(words.getFirst(), new LinkedHashSet<>());
            words.subList(1, words.size())
                    .forEach(used -> usedBy.computeIfAbsent(used, _ -> new LinkedHashSet<>()).add(words.getFirst()));
        }
        LayeredArchitecture architecture = layeredArchitecture().consideringOnlyDependenciesInLayers().layer(ROOT)
                .definedBy(ROOT).whereLayer(ROOT).mayNotAccessAnyLayer();
        for (String room : usedBy.keySet()) {
            architecture = architecture.layer(room).definedBy(ROOT + "." + room + "..");
        }
        for (Map.Entry<String, Set<String>> room : usedBy.entrySet()) {
            architecture = room.getValue().isEmpty()
                    ? architecture.whereLayer(room.getKey()).mayNotBeAccessedByAnyLayer()
                    : architecture.whereLayer(room.getKey())
                            .mayOnlyBeAccessedByLayers(room.getValue().toArray(String[]::new));
        }
        architecture.check(classes);
    }
}
