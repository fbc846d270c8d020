package dev.come.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

class RecordJsonTests {
    private enum Colour {
        DARK_BLUE
    }

    private record Inner(int keptChannels) {}

    private record Outer(double zeta, Colour firstColour, List<Inner> alphaParts) {}

    @ParameterizedTest
    @CsvSource({"mergeItem, merge_item", "psu, psu", "keyValueHeads, key_value_heads", "percentile99, percentile99",
        "tokens_used, tokens_used"})
    void aComponentIsNamedInSnakeCase(String component, String key) {
        assertThat(RecordNames.key(component)).isEqualTo(key);
    }

    @Test
    void aRecordIsAnObjectWithItsComponentsInTheirOrder() {
        ObjectNode tree = RecordJson.tree(new Outer(0.5, Colour.DARK_BLUE, List.of(new Inner(3))));
        assertThat(tree.toString())
                .isEqualTo("{\"zeta\":0.5,\"first_colour\":\"dark_blue\",\"alpha_parts\":[{\"kept_channels\":3}]}");
    }

    @Test
    void aFileBeginsWithItsFormat() {
        assertThat(RecordJson.text(RecordJson.file("come-test", 3)))
                .isEqualTo("{\n  \"format\" : \"come-test\",\n  \"format_version\" : 3\n}\n");
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.1, -7e300, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void aScoreIsReadAsItWasWritten(double value) {
        assertThat(RecordJson.score(RecordJson.score(value, "it"))).isEqualTo(value);
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void aNumberThatIsNotFiniteIsNeverWritten(double value) {
        ObjectNode root = RecordJson.file("come-test", 1);
        root.putArray("steps").addObject().put("loss", value);
        assertThatThrownBy(() -> RecordJson.text(root)).isInstanceOf(FailedException.class)
                .hasMessageContaining("steps[0].loss, because it is " + value);
    }

    @Test
    void whatIsNoNumberIsAnError() {
        assertThatThrownBy(() -> RecordJson.score(Double.NaN, "the loss")).isInstanceOf(FailedException.class)
                .hasMessageContaining("the loss, because it is NaN");
    }
}
