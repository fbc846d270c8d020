package dev.come.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

class RowTests {
    private static Row row() {
        ObjectNode fields = JsonNodeFactory.instance.objectNode().put("q", " one ");
        fields.putArray("a").add("two").add("three");
        return new Row(fields, Map.of(), "rows.jsonl, row 0");
    }

    @Test
    void valuesArePutIntoATemplate() {
        assertThat(row().fill("{q|strip}: {a[0]}, {a[1]} {{}}")).isEqualTo("one: two, three {}");
    }

    @ParameterizedTest
    @CsvSource({"2", "2147483647", "2147483648", "99999999999999999999"})
    void anElementThatIsNotThereIsRefused(String index) {
        assertThatThrownBy(() -> row().fill("{a[" + index + "]}")).isInstanceOf(InvalidInputException.class)
                .hasMessage("rows.jsonl, row 0: column a has 2 elements, but {a[" + index
                        + "]} is asked for; correct the task");
    }
}
