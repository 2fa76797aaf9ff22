// Which library is used, or why none is.
import { libraryInfo } from 'llmq';

try {
  console.log(libraryInfo().path);
} catch (error) {
  console.log((error as Error).message);
}
