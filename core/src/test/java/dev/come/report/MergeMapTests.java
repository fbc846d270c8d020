package dev.come.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.report.DataTable.Cell;
import dev.come.report.Drawing.Box;
import dev.come.report.Drawing.Line;
import dev.come.report.Drawing.Mark;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Scope;
import dev.come.stack.LayerNode.Share;
import dev.come.stack.LayerNode.Term;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerNode.Training;
import dev.come.stack.LayerNode.WeightedSum;
import dev.come.stack.LayerStack;
import java.util.List;
import org.junit.jupiter.api.Test;

class MergeMapTests {
    private static final Concatenated INNER = new Concatenated(
            List.of(new Share(new Original(2), 0.25, List.of(), List.of()),
                    new Share(new Original(3), 0.75, List.of(), List.of())),
            QueryHeads.GROUPED);
    private static final Concatenated OUTER = new Concatenated(
            List.of(new Share(new Original(1), 0.4, List.of(), List.of()),
                    new Share(INNER, 0.6, List.of(), List.of())),
            QueryHeads.GROUPED);
    private static final LayerStack STACK = new LayerStack(
            List.of(new Original(0), OUTER, new Trained(new Original(5), Training.REFITTED, 2, "ab".repeat(32))));

    private static final MergeMap MAP = new MergeMap(7, Piece.of(STACK));

    private static List<String> titles(Class<? extends Mark> kind, String style) {
        return MAP.chart().drawing().marks().stream()
                .filter(mark -> kind.isInstance(mark) && mark.style().startsWith(style)).map(Mark::title)
                .filter(title -> !title.isEmpty()).toList();
    }

    @Test
    void everyLayerOfTheResultIsABlock() {
        assertThat(titles(Box.class, "kept")).containsExactly("layer 0 kept", "layer 5 kept, refitted");
        assertThat(titles(Box.class, "merged")).containsExactly("merged [1, [2, 3]], 0.400 : 0.600");
        assertThat(titles(Box.class, "removed")).containsExactly("layer 4 removed", "layer 6 removed");
    }

    @Test
    void mergesInEachOtherAreATreeWhoseBranchesAreAsThickAsTheShares() {
        List<Line> branches = MAP.chart().drawing().marks().stream()
                .filter(mark -> mark instanceof Line && !mark.title().isEmpty()).map(Line.class::cast).toList();
        assertThat(branches).extracting(Line::title).containsExactly("2, share 0.250 of [2, 3]",
                "3, share 0.750 of [2, 3]", "1, share 0.400 of [1, [2, 3]]", "[2, 3], share 0.600 of [1, [2, 3]]");
        assertThat(branches.get(1).thickness() / branches.get(0).thickness()).isEqualTo(3);
    }

    @Test
    void aMergedBlockReachesFromItsFirstLayerToItsLast() {
        List<Box> sources = boxes("source");
        Box merged = boxes("merged").getFirst();
        assertThat(merged.x()).isEqualTo(sources.get(1).x());
        assertThat(merged.x() + merged.width()).isEqualTo(sources.get(3).x() + sources.get(3).width());
    }

    private static List<Box> boxes(String style) {
        return MAP.chart().drawing().marks().stream().filter(mark -> mark instanceof Box && mark.style().equals(style))
                .map(Box.class::cast).toList();
    }

    @Test
    void theTableTellsAllOfIt() {
        assertThat(MAP.chart().table().rows()).map(row -> row.stream().map(Cell::text).toList()).containsExactly(
                List.of("0", "0", "kept", "", ""),
                List.of("1", "[1, [2, 3]]", "merged", "[2, 3]: 0.250 : 0.750; [1, [2, 3]]: 0.400 : 0.600", ""),
                List.of("2", "5", "kept", "", "refitted"), List.of("", "4", "removed", "", ""),
                List.of("", "6", "removed", "", ""));
    }

    @Test
    void aTreeInATextIsReadAsItWasWritten() {
        assertThat(Piece.ofTree(STACK.tree())).map(Piece::tree).containsExactly("0", "[1, [2, 3]]", "5");
        assertThat(Piece.ofTree("not a tree")).isEmpty();
    }

    @Test
    void factorsThatAreNoSharesAreToldToo() {
        WeightedSum sum = new WeightedSum(List.of(new Term(new Original(0), -1), new Term(new Original(1), 1),
                new Term(new Original(2), 1)), Scope.MATRICES);
        MergeMap map = new MergeMap(3, Piece.of(new LayerStack(List.of(sum))));
        assertThat(map.chart().drawing().marks()).extracting(Mark::title)
                .contains("0, share -1.000 of [0, 1, 2]", "merged [0, 1, 2], -1.000 : 1.000 : 1.000");
    }
}
