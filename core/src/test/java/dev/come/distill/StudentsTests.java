package dev.come.distill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.UsageException;
import dev.come.distill.Students.Inputs;
import dev.come.distill.Students.Seam;
import dev.come.distill.Students.Span;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.Scope;
import dev.come.stack.LayerNode.Term;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerNode.Training;
import dev.come.stack.LayerNode.WeightedSum;
import dev.come.stack.LayerStack;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What layers of pruned models of eight layers stand for; all worked out by hand. */
class StudentsTests {
    private static final int LAYERS = 8;

    /** A stack as its tree says, of layers and of sums of them. */
    private static LayerStack stack(String tree) {
        return new LayerStack(Arrays.stream(tree.split(" ")).map(StudentsTests::node).toList());
    }

    private static LayerNode node(String word) {
        String[] sources = word.split("\\+");
        return sources.length == 1
                ? new Original(Integer.parseInt(word))
                : new WeightedSum(Arrays.stream(sources)
                        .map(source -> new Term(new Original(Integer.parseInt(source)), 1.0 / sources.length)).toList(),
                        Scope.ALL);
    }

    private static Students students(Seam seam, Inputs inputs, Students.Scope scope) {
        return new Students(seam, inputs, scope);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            # removed: 2, 3 and 4
            AUTO   | 0 1 5 6 7     | 0-1 1-5 5-6 6-7 7-8
            BEFORE | 0 1 5 6 7     | 0-1 1-5 5-6 6-7 7-8
            AFTER  | 0 1 5 6 7     | 0-1 1-2 2-6 6-7 7-8
            BOTH   | 0 1 5 6 7     | 0-1 1-4 4-6 6-7 7-8
            # the first and the last two, where one side has no layer
            BEFORE | 1 2 3 4 5     | 0-2 2-3 3-4 4-5 5-8
            AFTER  | 1 2 3 4 5     | 0-2 2-3 3-4 4-5 5-8
            BOTH   | 1 2 3 4 5     | 0-2 2-3 3-4 4-5 5-8
            # two cuts around one layer
            BEFORE | 0 1 4 7       | 0-1 1-4 4-7 7-8
            AFTER  | 0 1 4 7       | 0-1 1-2 2-5 5-8
            BOTH   | 0 1 4 7       | 0-1 1-3 3-6 6-8
            # merged, and removed elsewhere
            AUTO   | 0 1+2 3 6 7   | 0-1 1-3 3-4 6-7 7-8
            BEFORE | 0 1+2 3 6 7   | 0-1 1-3 3-6 6-7 7-8
            AFTER  | 0 1+2 5 6 7   | 0-1 1-3 3-6 6-7 7-8
            """)
    void whatWasRemovedIsLeftToWhoIsAskedTo(Seam seam, String tree, String expected) {
        List<Span> spans = students(seam, Inputs.TEACHER, Students.Scope.CUT).spans(stack(tree), LAYERS);
        assertThat(spans.stream().map(span -> span.begin() + "-" + span.end()).collect(Collectors.joining(" ")))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            AUTO   | TEACHER | CUT | 0 1 5 6 7     | 1
            AFTER  | TEACHER | CUT | 0 1 5 6 7     | 2
            BOTH   | OWN     | CUT | 0 1 5 6 7     | 1 2
            BOTH   | TEACHER | CUT | 0 1 2 4 5 6 7 | 2
            AUTO   | TEACHER | CUT | 0 1+2 3 6 7   | 1
            BEFORE | TEACHER | CUT | 0 1+2 3 6 7   | 1 2
            # all from the first that is not the teacher's on, or shown what it is not
            BEFORE | OWN     | ALL | 0 1 5 6 7     | 1 2 3 4
            AFTER  | OWN     | ALL | 0 1 2 6 7     | 3 4
            AUTO   | OWN     | ALL | 0 1+2 3 6 7   | 1 2 3 4
            BEFORE | TEACHER | ALL | 0 1 5 6 7     | 1
            """)
    void whichLayersLearn(Seam seam, Inputs inputs, Students.Scope scope, String tree, String expected) {
        List<Integer> learning = students(seam, inputs, scope).positions(stack(tree), LAYERS);
        assertThat(learning.stream().map(String::valueOf).collect(Collectors.joining(" "))).isEqualTo(expected);
    }

    /** A layer that was refitted does not do what the teacher's does. */
    @Test
    void refittedLayersLearnWhereAllDo() {
        LayerStack healed = stack("0 1 5 6 7").replace(3, 1,
                new Trained(new Original(6), Training.REFITTED, 3, "0".repeat(64)));
        assertThat(students(Seam.AUTO, Inputs.TEACHER, Students.Scope.CUT).positions(healed, LAYERS))
                .containsExactly(1);
        assertThat(students(Seam.AUTO, Inputs.TEACHER, Students.Scope.ALL).positions(healed, LAYERS))
                .containsExactly(1, 3);
    }

    @Test
    void whatDoesNothingIsRefused() {
        assertThatThrownBy(() -> students(Seam.AFTER, Inputs.TEACHER, Students.Scope.CUT)
                .requireUsed(stack("0 1+2 3 4 5 6 7"), LAYERS)).isInstanceOf(UsageException.class)
                .hasMessageContainingAll("--seam", "no layer of this model was removed", "leave it out");
        assertThatThrownBy(() -> students(Seam.AUTO, Inputs.TEACHER, Students.Scope.ALL)
                .requireUsed(stack("0 1 5 6 7"), LAYERS)).isInstanceOf(UsageException.class)
                .hasMessageContainingAll("--layer-scope all adds no layer", "--inputs own");
        students(Seam.AFTER, Inputs.OWN, Students.Scope.ALL).requireUsed(stack("0 1 5 6 7"), LAYERS);
        Students.DEFAULTS.requireUsed(LayerStack.dense(LAYERS), LAYERS);
    }

    @Test
    void aLayerIsCalledByWhatItStandsFor() {
        assertThat(Students.name(new Original(1), new Span(1, 5))).isEqualTo("1 for 1 to 4");
        assertThat(Students.name(new Original(1), new Span(1, 2))).isEqualTo("1");
        assertThat(Students.name(node("1+2"), new Span(1, 3))).isEqualTo("[1, 2]");
    }
}
