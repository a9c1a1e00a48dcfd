import { Workbench } from "@/app/workbench";

export default function Page() {
  return <Workbench />;
}
